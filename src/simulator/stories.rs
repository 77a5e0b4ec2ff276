//! What a detection engineer would look for, hidden in the ordinary days.

use super::actions::Action;
use super::endpoint::Stream;
use super::people::{Origin, PEOPLE, Person};

/// One step of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// After the story's beginning, in milliseconds.
    pub after_ms: i64,
    /// The log that it appears in.
    pub stream: Stream,
    /// What was done.
    pub action: Action,
}

/// One story; its steps are in order of time.
pub(crate) type Story = Vec<Step>;

/// All of them, each with the local hour of its beginning.
pub(crate) fn all(rng: &mut fastrand::Rng) -> Vec<(i64, Story)> {
    vec![(21, password_spray(rng)), (14, admin_without_second_factor(rng)), (2, export_at_night(rng))]
}

/// Nearly everybody's password is tried from one address within minutes; one of them fits.
fn password_spray(rng: &mut fastrand::Rng) -> Story {
    let mut story = Story::new();
    let mut after_ms = 0;
    for person in 4..PEOPLE - 4 {
        after_ms += rng.i64(3_000..9_000);
        let action = Action::login(Person(person), Origin::Stranger, false, rng);
        story.push(Step { after_ms, stream: Stream::Login, action });
    }
    let action = Action::login(Person(17), Origin::Stranger, true, rng);
    story.push(Step { after_ms: after_ms + 5_000, stream: Stream::Login, action });
    story
}

/// The account that was broken into makes itself an administrator, takes the second factor away and
/// leaves a key behind.
fn admin_without_second_factor(rng: &mut fastrand::Rng) -> Story {
    let (thief, victim) = (Person(17), Person(0));
    let acts = [
        (20_000, "ADD_ADMIN_USER", thief),
        (95_000, "REMOVE_TWO_FACTOR_AUTHENTICATION", victim),
        (130_000, "CHANGE_PASSWORD", victim),
        (310_000, "PRIVATE_APP_ACCESS_TOKEN_CREATE", thief),
    ];
    let login = Action::login(thief, Origin::Stranger, true, rng);
    let mut story = vec![Step { after_ms: 0, stream: Stream::Login, action: login }];
    story.extend(acts.map(|(after_ms, name, target)| Step {
        after_ms,
        stream: Stream::Security,
        action: Action::security(name, thief, target, Origin::Stranger, rng),
    }));
    story
}

/// Somebody who is about to leave takes everything home, at two in the morning.
fn export_at_night(rng: &mut fastrand::Rng) -> Story {
    let leaver = Person(23);
    let mut story = Story::new();
    let mut after_ms = 780_000;
    for name in ["CONTACT_DATA_EXPORT", "EXPORT", "FORM_SUBMISSIONS_EXPORT", "EXPORT"] {
        for part in [name, "EXPORT_DOWNLOAD"] {
            after_ms += rng.i64(20_000..50_000);
            let action = Action::security(part, leaver, leaver, Origin::Home, rng);
            story.push(Step { after_ms, stream: Stream::Security, action });
        }
    }
    for name in ["login-success", "export-contacts", "export-contacts", "export-contacts"] {
        after_ms += rng.i64(20_000..50_000);
        let action = Action::brevo(name, leaver, Origin::Home, rng);
        story.push(Step { after_ms, stream: Stream::Activities, action });
    }
    story
}
