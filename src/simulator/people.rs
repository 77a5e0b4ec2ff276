//! The company whose accounts are simulated: forty people with fixed homes, devices and addresses.

/// HubSpot's id of the account.
pub(crate) const PORTAL_ID: i64 = 48_213_907;
/// The HubSpot account of somebody else.
pub(crate) const OTHER_PORTAL_ID: i64 = 51_902_264;
/// Brevo's id of the account.
pub(crate) const ORGANIZATION_ID: &str = "64f1c2a7e8b05d3c9a417f26";
/// The Brevo organization of somebody else.
pub(crate) const OTHER_ORGANIZATION_ID: &str = "65a0d3b8f9c16e4d0b528037";
/// The company's name.
pub(crate) const COMPANY: &str = "Harborlight Instruments";

/// Where somebody is, in HubSpot's words (all lower case).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Region and country.
    pub location: &'static str,
    /// ISO 3166-1 alpha-2, lower case.
    pub country: &'static str,
    /// The part of ISO 3166-2 behind the country, lower case.
    pub region: &'static str,
    /// Its clock ahead of UTC.
    pub utc_offset_minutes: i64,
}

const fn place(
    location: &'static str,
    country: &'static str,
    region: &'static str,
    utc_offset_minutes: i64,
) -> Place {
    Place { location, country, region, utc_offset_minutes }
}

/// Where people live; the first is the headquarters.
const HOMES: [Place; 6] = [
    place("massachusetts, united states", "us", "ma", -300),
    place("new jersey, united states", "us", "nj", -300),
    place("leinster, ireland", "ie", "l", 0),
    place("berlin, germany", "de", "be", 60),
    place("auvergne-rhône-alpes, france", "fr", "ara", 60),
    place("delhi, india", "in", "dl", 330),
];

/// Nobody of the company lives there.
static ELSEWHERE: Place = place("capital region, iceland", "is", "1", 0);

const BROWSERS: [&str; 6] = [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
];
const PHONES: [&str; 2] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
];
const SCRIPT: &str = "python-requests/2.32.5";

/// Invented mailboxes; the first two are the administrators.
const MAILBOXES: [&str; 40] = [
    "a.lindqvist",
    "m.okonkwo",
    "t.brandt",
    "s.iyer",
    "j.moreau",
    "k.halloran",
    "r.castellan",
    "e.vantongeren",
    "p.dashwood",
    "l.kowalczyk",
    "n.abernathy",
    "c.ferreira",
    "d.osterhaus",
    "v.raman",
    "h.pemberton",
    "g.laurent",
    "o.fitzroy",
    "b.achterberg",
    "y.tanaka",
    "i.marchetti",
    "f.eriksen",
    "w.gallagher",
    "u.sandoval",
    "z.petrov",
    "m.delacroix",
    "a.bhatt",
    "s.whitlock",
    "t.nakagawa",
    "j.rosenthal",
    "k.oyelaran",
    "r.duquesne",
    "e.hartmann",
    "p.mulvaney",
    "l.sorensen",
    "n.chaudhry",
    "c.weatherby",
    "d.villanueva",
    "v.kessler",
    "h.obrien",
    "g.stavros",
];

/// How many people there are.
pub(crate) const PEOPLE: u16 = 40;

/// Where an action comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The person's own line, IPv4 or IPv6.
    Home,
    /// The headquarters' one public address.
    Office,
    /// A private address, as HubSpot shows for some.
    Vpn,
    /// The person's phone.
    Phone,
    /// A stranger's machine.
    Stranger,
}

/// One of the people, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Person(pub u16);

impl Person {
    /// HubSpot's user id.
    pub(crate) fn user_id(self) -> i64 {
        70_700_058 + i64::from(self.0) * 1_733
    }

    /// The person with this HubSpot user id.
    pub(crate) fn with_user_id(id: i64) -> Option<Self> {
        (0..PEOPLE).map(Self).find(|person| person.user_id() == id)
    }

    /// The part of the address before the at sign.
    pub(crate) fn mailbox(self) -> &'static str {
        MAILBOXES[usize::from(self.0 % PEOPLE)]
    }

    /// What stands behind it; contractors have another domain.
    pub(crate) fn domain(self) -> &'static str {
        if self.0 % 10 == 9 { "contractors.example.net" } else { "harborlight.example" }
    }

    /// The person with this e-mail address.
    pub(crate) fn with_email(email: &str) -> Option<Self> {
        let (mailbox, domain) = email.split_once('@')?;
        (0..PEOPLE).map(Self).find(|person| person.mailbox() == mailbox && person.domain() == domain)
    }

    /// Where an action of this origin happens.
    pub(crate) fn place(self, origin: Origin) -> &'static Place {
        match origin {
            Origin::Home | Origin::Vpn | Origin::Phone => self.home(),
            Origin::Office => &HOMES[0],
            Origin::Stranger => &ELSEWHERE,
        }
    }

    fn home(self) -> &'static Place {
        &HOMES[usize::from(self.0) * 7 % HOMES.len()]
    }

    /// Writes the address that an action of this origin comes from (RFC 5737, RFC 3849, RFC 1918).
    pub(crate) fn write_address(self, origin: Origin, out: &mut String) {
        use std::fmt::Write;
        let number = self.0;
        // Writing into a String cannot fail.
        let _ = match origin {
            Origin::Home if number % 4 == 3 => write!(out, "2001:db8:40:{:x}::1", number + 16),
            Origin::Home => write!(out, "203.0.113.{}", number + 10),
            Origin::Office => write!(out, "198.51.100.7"),
            Origin::Vpn => write!(out, "10.20.{}.{}", number / 8, number + 20),
            Origin::Phone => write!(out, "198.51.100.{}", number + 100),
            Origin::Stranger => write!(out, "192.0.2.66"),
        };
    }

    /// What the device calls itself.
    pub(crate) fn user_agent(self, origin: Origin) -> &'static str {
        let number = usize::from(self.0);
        match origin {
            Origin::Home | Origin::Office | Origin::Vpn => BROWSERS[number * 5 % BROWSERS.len()],
            Origin::Phone => PHONES[number % PHONES.len()],
            Origin::Stranger => SCRIPT,
        }
    }
}
