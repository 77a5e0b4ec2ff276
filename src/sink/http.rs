//! http
#[derive(Debug)]
pub struct HttpSink;
