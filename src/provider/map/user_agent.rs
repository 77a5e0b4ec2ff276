//! The browser, from its own words.

use std::borrow::Cow;
use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};

use woothee::parser::Parser;

use crate::event::{Device, OperatingSystem, UserAgent};

/// Bytes of a text that are looked at: the longest that browsers send have some 300, and the time that it takes
/// grows with the length (7 µs for 512 bytes that fit nothing).
const LONGEST: usize = 512;
/// Texts that each thread remembers the meaning of. An account has few different ones, and reading one anew
/// (2 to 7 µs) takes as long as the rest of the mapping.
const REMEMBERED: u8 = 64;

thread_local! {
    /// Each text has one place, which it takes over from the one before.
    static KNOWN: RefCell<[Option<UserAgent>; REMEMBERED as usize]> = const { RefCell::new([const { None }; REMEMBERED as usize]) };
}

/// The browser, its operating system and what sort of device that runs on, as far as they can be told.
pub(in crate::provider) fn user_agent(original: Option<Cow<'_, str>>) -> Option<UserAgent> {
    let original = original?;
    KNOWN.with_borrow_mut(|known| {
        let place = known.get_mut(place(&original))?;
        match place {
            Some(agent) if agent.original == *original => Some(agent.clone()),
            _ if original.len() > LONGEST => Some(read(original.into_owned())),
            _ => Some(place.insert(read(original.into_owned())).clone()),
        }
    })
}

fn place(text: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    usize::from(hasher.finish().to_le_bytes()[0] % REMEMBERED)
}

fn read(original: String) -> UserAgent {
    let beginning = original.get(..original.floor_char_boundary(LONGEST)).unwrap_or_default();
    let Some(found) = Parser::new().parse(beginning) else {
        return UserAgent { original, ..UserAgent::default() };
    };
    let known = |word: &str| Some(word).filter(|word| !matches!(*word, "" | "UNKNOWN")).map(str::to_owned);
    // For programs that are no browsers the version is now and then a name.
    let version = known(found.version).filter(|version| version.bytes().any(|byte| byte.is_ascii_digit()));
    let os = OperatingSystem { name: known(found.os), version: known(&found.os_version) };
    // A robot or a library runs on anything.
    let device = known(found.category).filter(|sort| !matches!(sort.as_str(), "crawler" | "misc"));
    UserAgent {
        name: known(found.name),
        version,
        os: Some(os).filter(|os| *os != OperatingSystem::default()),
        device: device.map(|name| Device { name: Some(name) }),
        original,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> [Option<String>; 5] {
        let UserAgent { name, version, os, device, .. } = user_agent(Some(text.into())).unwrap();
        let os = os.unwrap_or_default();
        [name, version, os.name, os.version, device.and_then(|device| device.name)]
    }

    #[test]
    fn a_browser_its_system_and_its_device_are_told() {
        for (text, expected) in [
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/132.0.0.0 Safari/537.36",
                ["Chrome", "132.0.0.0", "Mac OSX", "10.15.7", "pc"],
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/128.0.0.0 Safari/537.36 Edg/128.0.0.0",
                ["Edge", "128.0.0.0", "Windows 10", "NT 10.0", "pc"],
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                ["Firefox", "128.0", "Linux", "", "pc"],
            ),
            ("Mozilla/5.0 (Linux; Android 11; M2101K6G)", ["", "", "Android", "11", "smartphone"]),
            ("curl/8.5.0", ["HTTP Library", "", "", "", ""]),
            ("something else", [""; 5]),
            ("-", [""; 5]),
        ] {
            let expected = expected.map(|word| Some(word.to_owned()).filter(|word| !word.is_empty()));
            // The second time from memory.
            assert_eq!(told(text), expected, "{text}");
            assert_eq!(told(text), expected, "{text}");
        }
        assert_eq!(user_agent(None), None);
    }

    #[test]
    fn the_text_stays_as_it_is_however_long() {
        for text in
            ["é".repeat(100_000), format!("{}{}", "x".repeat(511), "é"), "Mozilla/5.0 (".repeat(9_000)]
        {
            assert_eq!(user_agent(Some(text.as_str().into())).unwrap().original, text);
        }
    }

    #[test]
    fn pieces_of_user_agents_in_any_order_are_no_trouble() {
        const PIECES: &[&str] = &[
            "Mozilla/5.0 (",
            "Windows NT ",
            "Windows Phone OS 7.5",
            "Windows ",
            "Macintosh; Intel Mac OS X 10_",
            ")",
            "; CPU iPhone OS 17_5 like Mac OS X",
            "iPhone;",
            "iPad;",
            "Android 11",
            "Android-",
            "MSIE 10.0;",
            "Trident/",
            "IEMobile/9.0;",
            "rv:1.2.3",
            "Firefox/128.0",
            "Chrome/1.2",
            "Version/17",
            "Safari/604.1",
            "OPR/9",
            "Opera",
            "KDDI-TS21 UP.Browser/",
            "DoCoMo/1.0/N505i",
            "FOMA;",
            "(c100;FOMA;",
            "SoftBank/1.0/705P",
            "WILLCOM;SANYO/",
            "jig browser web; 1.0",
            "PSP (PlayStation Portable); 2.00)",
            "PLAYSTATION 3; 1.00)",
            "PlayStation Vita 1.51)",
            "Nintendo 3DS;",
            "Nintendo Wii;",
            "BB10",
            "BlackBerry9700/5.0 ",
            "CrOS x86_64)",
            "FreeBSD amd64;",
            "SymbianOS/",
            "Googlebot",
            "bot/",
            "feed parser",
            "Java/",
            "PHP/",
            "GSA/1",
            "FxiOS/1",
            "Vivaldi/1",
            "YaBrowser/1.2.3.4",
            "SamsungBrowser/4",
            "Win98",
            "Win 9x 4.90",
            "Mobile; ",
            "Tablet;",
            "é",
            "\u{0}",
            " ",
            ";",
            "/",
        ];
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..300 {
            let text: String = (0..random.usize(..8))
                .filter_map(|_| PIECES.get(random.usize(..PIECES.len())))
                .copied()
                .collect();
            assert_eq!(read(text.clone()).original, text);
        }
    }
}
