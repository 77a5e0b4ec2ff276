//! What the provider has forgotten before it could be collected.

use std::sync::Arc;

use jiff::Timestamp;

use super::timeline::{BEGIN, Case, Machine, everything};
use super::world::{DAY, Meaning, Oddities, RowOrder, World};

/// A provider without oddities.
pub(super) const CALM: Oddities = Oddities {
    order: RowOrder::NewestFirst,
    meaning: Meaning::Documented,
    repeats: 0,
    truncates: 0,
    fails: 0,
    arrivals: 0,
    latest: 0,
};

#[tokio::test(start_paused = true)]
async fn a_gap_is_recorded_and_told_once_with_its_bounds() {
    for case in [Case::AuditLogs, Case::Login, Case::Activities] {
        let world = Arc::new(World::new(case, fastrand::Rng::with_seed(1), CALM, BEGIN));
        let directory = tempfile::tempdir().unwrap();
        let mut machine = Machine::boot(case, directory.path(), &world, None).await;
        machine.register_sink().await;
        world.happen(BEGIN - DAY);
        machine.poll().await.unwrap();
        let last = Timestamp::from_millisecond(world.now()).unwrap();
        // Where the first poll began to ask; unfiltered, all that the provider remembers.
        let complete_from = async |machine: &Machine<'_>| {
            let streams = machine.store.snapshot().await.unwrap().streams;
            streams.iter().find(|stream| stream.name.source == "model").unwrap().cursor.complete_from
        };
        let begun = complete_from(&machine).await;
        let days = if case == Case::Login { 90 } else { 20 };
        assert_eq!(begun, Timestamp::from_millisecond(BEGIN - days * DAY).ok(), "{case:?}");

        // The daemon stands still for longer than the provider remembers (90 days in this model).
        world.advance(100 * DAY);
        world.happen(world.now() - DAY);
        let gaps = machine.poll().await.unwrap().gaps;
        assert_eq!(gaps.len(), 1, "{case:?}");
        assert!(gaps[0].from <= last && gaps[0].from >= Timestamp::from_millisecond(BEGIN).unwrap());
        let forgotten = Timestamp::from_millisecond(world.now() - 90 * DAY).unwrap();
        assert!(gaps[0].to.duration_since(forgotten).abs() < jiff::SignedDuration::from_mins(1));
        assert_eq!(machine.poll().await.unwrap().gaps, []);
        assert_eq!(complete_from(&machine).await, begun, "a gap does not change it");

        assert_eq!(machine.store.snapshot().await.unwrap().gaps, gaps);
        let events = everything(&machine.store).await;
        let told: Vec<_> = events.iter().filter(|event| event.core.contains(r#""action":"gap""#)).collect();
        assert_eq!(told.len(), 1, "{case:?}");
        assert!(told[0].core.contains(&format!("\"from\":\"{:.3}\"", gaps[0].from)), "{}", told[0].core);
        assert_eq!(events.iter().filter(|event| event.stream.source == "model").count(), 2);
    }
}
