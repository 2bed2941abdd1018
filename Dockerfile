# SPDX-License-Identifier: MIT
# build -> test -> runtime. `docker build .` gives the runtime image;
# `docker build --target test .` runs the quick suites on the way.
FROM debian:12-slim AS build
WORKDIR /src
COPY scripts/deps.sh scripts/deps.sh
RUN sh scripts/deps.sh build && rm -rf /var/lib/apt/lists/*
COPY . .
RUN meson setup build -Dbuildtype=release -Dtests=false --prefix=/usr \
    && ninja -C build \
    && DESTDIR=/out meson install -C build --no-rebuild --strip

FROM build AS test
RUN sh scripts/deps.sh test && ./test.sh quick

FROM debian:12-slim AS runtime
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends fuse3 ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin
COPY --from=build /out/ /
RUN mkdir -p /var/lib/agentsh /workspace
WORKDIR /workspace
EXPOSE 18080
ENTRYPOINT ["/usr/bin/agentsh"]
CMD ["server"]
