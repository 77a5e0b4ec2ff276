//! provider/hubspot
