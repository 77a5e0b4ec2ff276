//! file
#[derive(Debug)]
pub struct FileSink;
