use crate::event::StoredEvent;
#[derive(Debug)]
pub struct RawEncoder;
impl RawEncoder {
    pub fn encode(&self, _e: &StoredEvent, _o: &mut Vec<u8>) {}
}
