//! Origins and the patterns for them, in one normal form.
//!
//! Two URLs that name one place are written alike: scheme and host in small letters, no default port, no encoding of what
//! needs none (RFC 3986, section 6; the URL standard). An origin that says one place and can mean another has no normal
//! form, and is never allowed: one with a step upwards, a backslash, an encoded slash, a control character, or a character in
//! it that is not seen or that some programs read as one of these.

use lockgate_plugin::{Pattern, is_invisible};
use unicode_normalization::UnicodeNormalization as _;

/// A pattern for origins, as it is compared.
#[derive(Debug)]
pub(crate) struct AllowedOrigin {
    written: Pattern,
    compared: Pattern,
    /// Whether it names a user before the host; none if it names no host of its own.
    user: Option<bool>,
}

impl AllowedOrigin {
    /// The error says why no origin could ever fit the pattern.
    pub(crate) fn new(written: &Pattern) -> Result<Self, &'static str> {
        let text = written.to_string();
        let normal = normal(&text, Side::Pattern)?;
        let user = normal.is_url.then_some(normal.has_user);
        Ok(Self { written: written.clone(), compared: Pattern::new(normal.text), user })
    }

    fn allows(&self, origin: &NormalOrigin) -> bool {
        self.user.is_none_or(|user| user == origin.has_user) && self.compared.matches(&origin.text)
    }
}

/// Why the origin is not allowed, as the end of a sentence: nothing if it just fits none of the patterns, or why it has no
/// normal form. None if it fits one of them.
pub(crate) fn objection(origin: &str, allowed: &[AllowedOrigin]) -> Option<String> {
    match is_allowed(origin, allowed) {
        Ok(true) => None,
        Ok(false) => Some(String::new()),
        Err(why) => Some(format!(": {why}")),
    }
}

/// The origins that would be allowed, in words.
pub(crate) fn expected(allowed: &[AllowedOrigin]) -> String {
    let patterns = allowed.iter().map(|pattern| format!("`{}`", pattern.written));
    format!("an origin like {}", patterns.collect::<Vec<_>>().join(" or "))
}

/// Whether the origin fits one of the patterns. The error says why it has no normal form.
fn is_allowed(origin: &str, allowed: &[AllowedOrigin]) -> Result<bool, &'static str> {
    let origin = normal(origin, Side::Origin)?;
    Ok(allowed.iter().any(|pattern| pattern.allows(&origin)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Origin,
    Pattern,
}

struct NormalOrigin {
    text: String,
    /// Whether it has a host of its own.
    is_url: bool,
    has_user: bool,
}

/// The schemes of the URL standard that take a host with or without `//`.
const WITH_HOST: [&str; 6] = ["http", "https", "ws", "wss", "ftp", "file"];

fn normal(text: &str, side: Side) -> Result<NormalOrigin, &'static str> {
    let text = decoded(text)?;
    if let Some((scheme, rest)) = text.split_once("://")
        && is_scheme(scheme, side)
    {
        return url(&scheme.to_ascii_lowercase(), rest, side);
    }
    let scheme = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
    if text.contains(':') && WITH_HOST.contains(&base(&scheme)) {
        return Err("it has no `//` and host after its scheme");
    }
    climbs_not(text.split(['/', ':']))?;
    if side == Side::Pattern && text != "**" {
        let (first, rest) = text.split_at_checked(text.find('/').unwrap_or(text.len())).unwrap_or((&text, ""));
        if first.contains("**") {
            return Err(MANY_HOSTS);
        }
        let host = first.rsplit('@').next().unwrap_or(first);
        let (host, path) = host.split_once(':').unwrap_or((host, ""));
        if !(rest.is_empty() && path.is_empty()) {
            stars_below_a_domain(host)?;
        }
    }
    Ok(NormalOrigin { text, is_url: false, has_user: false })
}

const MANY_HOSTS: &str = "`**` where its host stands also fits other hosts: write `*`";

/// Refuses a pattern for hosts that fits hosts of anybody: `repo.example*` fits `repo.example.evil.com`. A star alone is
/// every host, and says so.
fn stars_below_a_domain(host: &str) -> Result<(), &'static str> {
    let is_any = host.chars().all(|c| c == '*');
    let fits_domains = host.starts_with('[') || host.rsplit('.').take(2).any(|label| label.contains('*'));
    match host.contains('*') && !is_any && fits_domains {
        true => Err(
            "a star in the last two parts of its host also fits hosts of others: write them out, as in `*.example.com`",
        ),
        false => Ok(()),
    }
}

/// `https` of `git+https`.
fn base(scheme: &str) -> &str {
    scheme.rsplit('+').next().unwrap_or(scheme)
}

fn is_scheme(scheme: &str, side: Side) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.') || c == '*' && side == Side::Pattern;
    !scheme.is_empty() && scheme.chars().all(fits)
}

fn url(scheme: &str, rest: &str, side: Side) -> Result<NormalOrigin, &'static str> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if side == Side::Pattern && authority.contains("**") {
        return match (authority, rest) {
            ("**", "") => Ok(NormalOrigin { text: format!("{scheme}://**"), is_url: false, has_user: false }),
            _ => Err(MANY_HOSTS),
        };
    }
    let (user, host) = match authority.split_once('@') {
        Some((_, host)) if host.contains('@') => return Err("it has a second `@` before its path"),
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    let (host, port) = host_and_port(host)?;
    let host = host.to_ascii_lowercase();
    let host = if scheme == "file" && host == "localhost" { String::new() } else { host };
    if host.is_empty() && scheme != "file" {
        return Err("it names no host");
    }
    if host.contains('%') {
        return Err("its host is not written in plain ASCII: write it in punycode, `xn--…`");
    }
    if side == Side::Pattern {
        stars_below_a_domain(&host)?;
    }
    let mut text = format!("{scheme}://");
    if let Some(user) = user {
        text.push_str(user);
        text.push('@');
    }
    text.push_str(&host);
    if let Some(port) = port_beside(scheme, port, side)? {
        text.push(':');
        text.push_str(&port);
    }
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (path, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
    climbs_not(rest.split('/'))?;
    text.push_str(&without_dots(path));
    text.push_str(tail);
    Ok(NormalOrigin { text, is_url: true, has_user: user.is_some() })
}

fn host_and_port(authority: &str) -> Result<(&str, &str), &'static str> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or("the address of its host is not closed by `]`")?;
        let (host, port) = authority.split_at_checked(end + 1).unwrap_or((authority, ""));
        return match port.strip_prefix(':') {
            Some(port) => Ok((host, port)),
            None if port.is_empty() => Ok((host, "")),
            None => Err("its port is none"),
        };
    }
    Ok(authority.split_once(':').unwrap_or((authority, "")))
}

/// The port, unless it is the one that the scheme has anyway.
fn port_beside(scheme: &str, port: &str, side: Side) -> Result<Option<String>, &'static str> {
    if port.is_empty() {
        return Ok(None);
    }
    if port == "*" && side == Side::Pattern {
        return Ok(Some(port.to_owned()));
    }
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let number: u16 = port.parse().ok().filter(|_| digits).ok_or("its port is none")?;
    let usual = match base(scheme) {
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        "ftp" => 21,
        "ssh" => 22,
        "git" => 9418,
        _ => return Ok(Some(number.to_string())),
    };
    Ok((number != usual).then(|| number.to_string()))
}

/// The path without the segments that stay where they are; `/` for an empty one.
fn without_dots(path: &str) -> String {
    let mut segments: Vec<&str> = path.split('/').collect();
    let ends_in_dot = segments.last() == Some(&".");
    segments.retain(|segment| *segment != ".");
    let mut path = segments.join("/");
    if ends_in_dot || path.is_empty() {
        path.push('/');
    }
    path
}

/// Some servers take what follows a `;` for no part of the step, and some file systems neither blanks nor further dots.
fn climbs_not<'t>(mut segments: impl Iterator<Item = &'t str>) -> Result<(), &'static str> {
    let climbs = |segment: &str| {
        let step = segment.split([';', '?', '#']).next().unwrap_or_default();
        let dots = step.replace("%20", "");
        step != "." && !dots.is_empty() && dots.chars().all(|c| c == '.')
    };
    if segments.any(climbs) { Err("it has a step upwards, `..`, in it") } else { Ok(()) }
}

/// Without encodings of what needs none, and with an encoding of each character that is not ASCII.
fn decoded(text: &str) -> Result<String, &'static str> {
    let mut decoded = String::with_capacity(text.len());
    // Bytes of characters that are not ASCII, until the next one that is.
    let mut beyond_ascii = Vec::new();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let byte = match character {
            '%' => {
                let byte =
                    rest.as_str().get(..2).and_then(hex).ok_or("it has a `%` without two hex digits after it")?;
                rest.nth(1);
                Some(byte)
            }
            c if c.is_ascii() => None,
            c => {
                beyond_ascii.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
        };
        if let Some(byte) = byte.filter(|byte| !byte.is_ascii()) {
            beyond_ascii.push(byte);
            continue;
        }
        push_beyond_ascii(&mut beyond_ascii, &mut decoded)?;
        match (byte, character) {
            (Some(b'/' | b'\\'), _) => return Err("it has an encoded slash or backslash in it"),
            (Some(0..0x20 | 0x7f), _) => return Err("it has an encoded control character in it"),
            (Some(byte), _) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                decoded.push(char::from(byte))
            }
            (Some(byte), _) => decoded.push_str(&format!("%{byte:02X}")),
            (None, '\\') => return Err("it has a backslash in it"),
            (None, c) if c.is_control() || c.is_whitespace() => return Err(SPACE),
            (None, '"' | '<' | '>' | '^' | '`' | '{' | '|' | '}') => {
                return Err("it has a character in it that no URL has");
            }
            (None, c) => decoded.push(c),
        }
    }
    push_beyond_ascii(&mut beyond_ascii, &mut decoded)?;
    encoded_once(&decoded)?;
    Ok(decoded)
}

const SPACE: &str = "it has a space or a control character in it";

/// Appends an encoding of the bytes, if they are characters that are seen and that nobody reads as others.
fn push_beyond_ascii(bytes: &mut Vec<u8>, decoded: &mut String) -> Result<(), &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "what is percent-encoded in it is no UTF-8")?;
    for c in text.chars() {
        if c.is_control() || c.is_whitespace() {
            return Err(SPACE);
        }
        if is_invisible(c) {
            return Err("it has a character in it that is not seen");
        }
        // `．` of full width is a `.` to some programs, and so on.
        if std::iter::once(c).nfkc().any(|c| c.is_ascii() && !c.is_ascii_alphanumeric()) {
            return Err("it has a character in it that some programs read as a `.`, a `/` or the like");
        }
    }
    for byte in bytes.drain(..) {
        decoded.push_str(&format!("%{byte:02X}"));
    }
    Ok(())
}

fn hex(digits: &str) -> Option<u8> {
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

/// What decodes twice would find a step upwards or another slash.
fn encoded_once(text: &str) -> Result<(), &'static str> {
    let text = text.to_ascii_lowercase();
    let mut peeled = text.clone();
    while peeled.contains("%25") {
        peeled = peeled.replace("%25", "%");
    }
    let mut codes = peeled.split('%').skip(1).filter_map(|code| hex(code.get(..2)?));
    let hidden = peeled != text && codes.any(|byte| matches!(byte, b'.' | b'/' | b'\\') || !byte.is_ascii());
    if hidden { Err("it has a slash, a dot or the like in it that is encoded twice") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::{AllowedOrigin, is_allowed};
    use lockgate_plugin::Pattern;

    fn allowed(pattern: &str, origin: &str) -> Result<bool, &'static str> {
        let pattern = AllowedOrigin::new(&Pattern::new(pattern))?;
        is_allowed(origin, &[pattern])
    }

    #[test]
    fn an_origin_that_says_one_place_and_can_mean_another_has_no_normal_form() {
        for rest in [
            "../team-b/x",
            "a/../../team-b/x",
            "%2e%2e/team-b/x",
            ".%2e/team-b/x",
            "%2E./team-b/x",
            "%2E%2e/team-b/x",
            "..",
            "x/..",
            "..?x",
            "..#x",
            "..;/team-b/x",
            "..;a=b/team-b/x",
            "..%2fteam-b/x",
            "%2e%2e%2Fteam-b/x",
            "..%5cteam-b/x",
            "..%5Cteam-b/x",
            "..\\team-b\\x",
            "a%2fb",
            "a%5cb",
            "a\\b",
            "%252e%252e/team-b/x",
            "%252E%252E%252Fteam-b",
            "%25252e./team-b",
            "..%255cteam-b",
            "a\nb",
            "a\r\nb",
            "a\tb",
            "a b",
            "a\0b",
            "a\u{7f}b",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{a0}b",
            "a%0ab",
            "a%00b",
            "a%7Fb",
            "a%",
            "a%2",
            "a%zz",
            "a%é",
            "a%+1",
            "a<b",
            "a|b",
            "?x=/../team-b",
            "%c0%ae%c0%ae/team-b/x",
            "%c0%ae%c0%ae%c0%afteam-b/x",
            "a%ff",
            "．．/team-b/x",
            "%ef%bc%8e%EF%BC%8E/team-b/x",
            "%25ef%25bc%258e./team-b/x",
            "\u{2025}/team-b/x",
            "a\u{ff0f}b",
            "a\u{ff3c}b",
            "a\u{200b}b",
            ".\u{200b}./team-b/x",
            "a%e2%80%8bb",
            "a%c2%a0b",
            "..%20/team-b/x",
            "%20../team-b/x",
            ".%20./team-b/x",
            ".%20/team-b/x",
            ".../team-b/x",
            "..%20",
        ] {
            let origin = format!("https://repo.example/team-a/{rest}");
            assert!(allowed("https://repo.example/team-a/**", &origin).is_err(), "{origin:?}");
            assert!(allowed("**", &origin).is_err(), "{origin:?}");
            let pattern = Pattern::new(origin);
            assert!(AllowedOrigin::new(&pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn what_names_one_place_fits_however_it_is_written() {
        let spellings = [
            "https://repo.example/team-a/x",
            "HTTPS://Repo.EXAMPLE/team-a/x",
            "https://repo.example:443/team-a/x",
            "https://repo.example:0443/team-a/x",
            "https://repo.example:/team-a/x",
            "https://repo.example/%74eam%2Da/x",
            "https://repo.example/%74eam%2da/./x",
            "https://repo.example/./team-a/x",
        ];
        for pattern in spellings {
            for origin in spellings {
                assert_eq!(allowed(pattern, origin), Ok(true), "{pattern} {origin}");
            }
            assert_eq!(allowed(pattern, "https://repo.example/team-a/X"), Ok(false), "{pattern}");
            assert_eq!(allowed(pattern, "https://repo.example:8443/team-a/x"), Ok(false), "{pattern}");
            assert_eq!(allowed(pattern, "http://repo.example/team-a/x"), Ok(false), "{pattern}");
        }
        for (pattern, origin) in [
            ("https://repo.example", "https://repo.example/"),
            ("https://repo.example/", "HTTPS://REPO.example:443"),
            ("https://repo.example/?x", "https://repo.example?x"),
            ("https://*", "https://repo.example"),
            ("https://**", "https://repo.example/a/b"),
            ("**", "https://user@repo.example/a/b"),
            ("https://*.repo.example/**", "https://eu.repo.example/a/b"),
            ("https://mirror-*.repo.example/**", "https://mirror-1.repo.example/a/b"),
            ("git@*.repo.example:lockgate/*", "git@eu.repo.example:lockgate/lockgate"),
            ("app-*", "app-1"),
            ("*://repo.example/**", "ssh://repo.example:22/a"),
            ("https://repo.example:*/a", "https://repo.example:8443/a"),
            ("https://repo.example/gr%c3%b6%C3%9fe", "https://repo.example/größe"),
            ("https://repo.example/a%20b%3f", "https://repo.example/a%20b%3F"),
            ("https://repo.example/100%2525", "https://repo.example/100%2525"),
            ("https://[2001:DB8::1]/x", "https://[2001:db8::1]:443/x"),
            ("oci://Registry.example/shop/*", "oci://registry.EXAMPLE/shop/app:2.4"),
            ("oci://registry.example:5000/shop/*", "oci://registry.example:5000/shop/app@sha256:abc"),
            ("git+https://github.com/lockgate/lockgate@*", "git+https://GitHub.com:443/lockgate/lockgate@1a2b"),
            ("git+ssh://git@github.com/lockgate/*", "git+ssh://git@github.com:22/lockgate/lockgate"),
            ("file:///srv/**", "file://localhost/srv/a/b"),
            ("git@github.com:lockgate/*", "git@github.com:lockgate/lockgate"),
            ("registry.example.com:5000/shop/*", "registry.example.com:5000/shop/app:2.4"),
            ("pkg:npm/**", "pkg:npm/%40scope/name@1.0.0"),
        ] {
            assert_eq!(allowed(pattern, origin), Ok(true), "{pattern} {origin}");
        }
    }

    #[test]
    fn another_host_does_not_fit() {
        for (pattern, origin) in [
            ("https://repo.example/**", "https://repo.example@evil.example/x"),
            ("https://repo.example/**", "https://user@repo.example/x"),
            ("https://*.repo.example/**", "https://evil.example?.repo.example/x"),
            ("https://*.repo.example/**", "https://evil.example#.repo.example/x"),
            ("https://*.repo.example/**", "https://evil@x.repo.example/x"),
            ("https://**", "https://user@evil.example/x"),
            ("https://git@*/x", "https://git@a/b/x"),
            ("https://repo.example/*", "https://repo.example./x"),
            ("https://repo.example/*", "https://repo.example.evil.example/x"),
            ("https://repo.example", "https://repo.example/x"),
        ] {
            let fits = allowed(pattern, origin);
            // An operator who lets everything in lets this in too.
            assert_eq!(fits, Ok(pattern == "https://**"), "{pattern} {origin}");
        }
        for origin in [
            "https://evil.example:80.repo.example/x",
            "https://a@b@repo.example/x",
            "https:repo.example/x",
            "https:/repo.example/x",
            "https:///repo.example/x",
            "https:////repo.example/x",
            "git+https:repo.example/x",
            "HTTPS:repo.example",
            "https://repo%2eexample%3a/x",
            "https://größe.example/x",
            "https://repo.example:99999/x",
            "https://repo.example:+443/x",
            "https://[::1/x",
            "https://[::1]x/x",
        ] {
            assert!(allowed("**", origin).is_err(), "{origin}");
        }
    }

    #[test]
    fn a_pattern_that_no_origin_can_fit_is_none() {
        for pattern in [
            "https://**.repo.example/**",
            "https://repo.example**",
            "https://repo.example*/**",
            "https://repo.*/**",
            "https://*repo.example/**",
            "https://*.example/**",
            "https://r*.example:8443/**",
            "https://user@repo.example*/**",
            "https://10.0.0.*/**",
            "https://[2001:db8::*]/**",
            "*://repo.example*/**",
            "**repo.example/**",
            "**/repo.example/**",
            "repo.example**",
            "*repo.example/**",
            "git@github.com*:lockgate/*",
            "repo.example*/x",
            "https:///shop/*",
            "https:shop/*",
            "https://größe.example/*",
            "https://repo.example/a b/*",
            "https://repo.example/%2*",
            "https://repo.example:https/*",
            "https://a@b@c/*",
            "https://repo.example\\shop\\*",
        ] {
            assert!(AllowedOrigin::new(&Pattern::new(pattern)).is_err(), "{pattern}");
        }
    }
}
