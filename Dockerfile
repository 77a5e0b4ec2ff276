# The image: one static program, the certificates of the public authorities, an empty state directory. There is no
# shell, no library and no package in it, so nothing else to attack or to keep up to date.
#
#   docker build --tag auditferry --build-arg VERSION=0.1.0 .
#
# Base images are pinned by version. To pin their content too, write its digest behind the name
# (`rust:1.95-slim-bookworm@sha256:…`) and let a bot renew it: a digest gets no security fixes by itself.

FROM rust:1.95-slim-bookworm AS build

RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates musl-tools \
    && rm -rf /var/lib/apt/lists/* \
    && rustup target add "$(uname -m)-unknown-linux-musl"
# Writes the list of the crates into the program: without packages, a scanner has nothing else to go by.
RUN cargo install --locked cargo-auditable@0.7.7
# For the C code of crates. Not CC: programs that run during the build are built for this system.
ENV TARGET_CC=musl-gcc

WORKDIR /build
# The dependencies alone, with stand-ins for our own code: a layer that lasts until Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src benches/end_to_end \
    && echo 'fn main() {}' | tee src/main.rs >benches/end_to_end/main.rs \
    && touch src/lib.rs \
    && cargo auditable build --release --locked --bin auditferry --target "$(uname -m)-unknown-linux-musl"

COPY . .
# Newer than the stand-ins, whatever time the files bring along: else cargo would keep what it built of those.
RUN touch src/lib.rs src/main.rs \
    && cargo auditable build --release --locked --bin auditferry --target "$(uname -m)-unknown-linux-musl" \
    && cp "target/$(uname -m)-unknown-linux-musl/release/auditferry" /auditferry \
    && mkdir --parents --mode 0700 /state/auditferry

FROM scratch

ARG VERSION=unknown
# Where this is built from, such as https://git.example.com/security/auditferry.
ARG SOURCE=
LABEL org.opencontainers.image.title="auditferry" \
      org.opencontainers.image.description="Carries HubSpot and Brevo audit events to a SIEM: nothing lost, nothing doubled." \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.source="${SOURCE}"

COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /auditferry /auditferry
COPY --from=build --chown=65532:65532 /state/ /var/lib/

# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
# There is no /tmp. Only `auditferry demo` wants a place for temporary files; the volume is writable also where the
# root is not.
ENV TMPDIR=/var/lib/auditferry
VOLUME /var/lib/auditferry
# Status page, health and metrics, once server.listen is more than loopback.
EXPOSE 9464
STOPSIGNAL SIGTERM
# Asks the daemon over its socket in the volume: works with any server.listen. The start is long enough for the check
# of a large state directory after a crash.
HEALTHCHECK --interval=30s --timeout=5s --start-period=2m --retries=3 CMD ["/auditferry", "health"]
ENTRYPOINT ["/auditferry"]
CMD ["run"]
