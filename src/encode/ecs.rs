use crate::event::StoredEvent;
#[derive(Debug)]
pub struct EcsEncoder;
impl EcsEncoder {
    pub fn encode(&self, _e: &StoredEvent, _o: &mut Vec<u8>) {}
}
