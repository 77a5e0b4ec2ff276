//! stdout
#[derive(Debug)]
pub struct StdoutSink;
