//! What takes a value's place: a hash, or a part of it.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aws_lc_rs::hmac;

/// Bytes of a hash that are shown, two digits each: enough that no two values of a life meet.
const SHOWN_BYTES: usize = 16;
/// What a mask hides.
const HIDDEN: &str = "***";

/// A value as it is compared and hashed: an IP address in its shortest form, everything else in lower case. So
/// one mailbox has one hash, whoever writes it how.
pub(super) fn canonical(value: &str) -> String {
    let value = value.trim();
    match value.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().to_string(),
        Err(_) => value.to_lowercase(),
    }
}

/// The first 32 hexadecimal digits of HMAC-SHA-256 over the canonical value.
pub(super) fn hash(key: &hmac::Key, value: &str) -> String {
    let tag = hmac::sign(key, canonical(value).as_bytes());
    let mut digits = String::with_capacity(2 * SHOWN_BYTES);
    for byte in tag.as_ref().iter().take(SHOWN_BYTES) {
        // Writing into a String can't fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// The network of an IP address (/24, /48), the first character and the domain of an e-mail address, the first
/// character of anything else.
pub(super) fn mask(value: &str) -> String {
    match value.trim().parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(ip)) => return Ipv4Addr::from_bits(ip.to_bits() & (!0 << 8)).to_string(),
        Ok(IpAddr::V6(ip)) => return Ipv6Addr::from_bits(ip.to_bits() & (!0 << 80)).to_string(),
        Err(_) => {}
    }
    match value.rsplit_once('@') {
        Some((mailbox, domain)) if !mailbox.is_empty() && !domain.is_empty() => {
            format!("{}@{domain}", initial(mailbox))
        }
        _ => initial(value),
    }
}

/// The first character would say too much of two.
fn initial(text: &str) -> String {
    let shown = text.chars().next().filter(|_| text.chars().nth(2).is_some());
    shown.into_iter().map(String::from).chain([HIDDEN.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_leaves_a_part() {
        for (value, masked) in [
            ("analyst@example.com", "a***@example.com"),
            ("pe@example.com", "***@example.com"),
            ("@example.com", "@***"),
            ("Analyst Example", "A***"),
            ("\u{d6}zg\u{fc}r", "\u{d6}***"),
            ("ab", "***"),
            ("", "***"),
            ("203.0.113.7", "203.0.113.0"),
            ("::ffff:203.0.113.7", "203.0.113.0"),
            ("2001:db8:40:13::1", "2001:db8:40::"),
            ("203.0.113.7:443", "2***"),
        ] {
            assert_eq!(mask(value), masked, "{value}");
        }
    }

    #[test]
    fn a_hash_is_the_one_that_anybody_computes() {
        // printf %s analyst@example.com | openssl dgst -sha256 -hmac 0123456789abcdef shows 64 digits
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"0123456789abcdef");
        let analyst = hash(&key, "analyst@example.com");
        assert_eq!(analyst, "3100551524dee7dc72c5c4bf743f8dd1");
        assert_eq!(hash(&key, "Analyst@Example.COM"), analyst);
        assert_eq!(hash(&key, "2001:DB8:0::1"), hash(&key, "2001:db8::1"));
        let other = hmac::Key::new(hmac::HMAC_SHA256, b"0123456789abcdeg");
        assert_ne!(hash(&other, "analyst@example.com"), analyst);
    }
}
