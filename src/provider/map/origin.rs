//! Where something came from: address and place.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use crate::event::{Geo, Origin};

/// Where it came from; `ip` only when the address is one, because a receiver refuses an event whose `ip` is
/// not.
pub(in crate::provider) fn origin(address: Option<Cow<'_, str>>, geo: Option<Geo>) -> Option<Origin> {
    if address.is_none() && geo.is_none() {
        return None;
    }
    let ip = address.as_deref().and_then(ip).map(|ip| ip.to_string());
    Some(Origin { address: address.map(Cow::into_owned), ip, geo })
}

/// The IP address in a text: alone, in brackets, or with a port. An IPv4 address written as IPv6
/// (`::ffff:192.0.2.1`) becomes the IPv4 address, so that one machine has one address in every event.
fn ip(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let ip = bare.parse().or_else(|_| text.parse().map(|address: SocketAddr| address.ip()));
    ip.ok().map(|ip: IpAddr| ip.to_canonical())
}

/// A place by the provider's text (`city, country`) and codes; codes that can't be ISO 3166 are left out.
pub(in crate::provider) fn geo(
    name: Option<Cow<'_, str>>,
    country: Option<Cow<'_, str>>,
    region: Option<Cow<'_, str>>,
) -> Option<Geo> {
    let country =
        country.filter(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let country = country.map(|code| code.to_ascii_uppercase());
    let region = region
        .filter(|code| matches!(code.len(), 1..=3) && code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let region = country.as_ref().zip(region).map(|(country, region)| {
        let mut code = format!("{country}-{region}");
        code.make_ascii_uppercase();
        code
    });
    if name.is_none() && country.is_none() {
        return None;
    }
    // A text without a comma may be a country, a region or a city.
    let country_name = name.as_deref().and_then(|name| name.rsplit_once(',')).map(|(_, last)| last.trim());
    Some(Geo {
        country_name: country_name.filter(|last| !last.is_empty()).map(str::to_owned),
        name: name.map(Cow::into_owned),
        country_iso_code: country,
        region_iso_code: region,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_ip_only_when_it_parses() {
        for (text, expected) in [
            ("203.0.113.7", Some("203.0.113.7")),
            (" 203.0.113.7\t", Some("203.0.113.7")),
            ("203.0.113.7:443", Some("203.0.113.7")),
            ("2001:DB8::0:1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("::ffff:203.0.113.7", Some("203.0.113.7")),
            ("123.45.678.90", None),
            ("203.0.113.7:99999", None),
            ("203.0.113.7, 10.0.0.1", None),
            ("203.0.113.0/24", None),
            ("[203.0.113.7", None),
            ("fe80::1%eth0", None),
            ("localhost", None),
            ("", None),
        ] {
            let origin = origin(Some(text.into()), None).unwrap();
            assert_eq!(origin.ip.as_deref(), expected, "{text}");
            assert_eq!(origin.address.as_deref(), Some(text));
        }
        assert_eq!(origin(None, None), None);
    }

    #[test]
    fn a_place_has_a_country_where_the_text_or_the_code_names_one() {
        let of = |name: Option<&'static str>, country: Option<&'static str>, region: Option<&'static str>| {
            geo(name.map(Cow::from), country.map(Cow::from), region.map(Cow::from))
        };
        let place = of(Some("new jersey, united states"), Some("us"), Some("nj")).unwrap();
        assert_eq!(place.name.as_deref(), Some("new jersey, united states"));
        assert_eq!(place.country_name.as_deref(), Some("united states"));
        assert_eq!(place.country_iso_code.as_deref(), Some("US"));
        assert_eq!(place.region_iso_code.as_deref(), Some("US-NJ"));
        for (name, country) in [("singapore", None), ("a, b , c ", Some("c")), ("delhi,", None)] {
            assert_eq!(of(Some(name), None, None).unwrap().country_name.as_deref(), country, "{name}");
        }
        for code in ["u", "usa", "u1", "ß", "--"] {
            assert_eq!(of(None, Some(code), Some("nj")), None, "{code}");
        }
        for code in ["", "abcd", "n-", "ü"] {
            assert_eq!(of(None, Some("us"), Some(code)).unwrap().region_iso_code, None, "{code}");
        }
    }
}
