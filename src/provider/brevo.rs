//! provider/brevo
