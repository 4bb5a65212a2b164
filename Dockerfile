# The program and nothing else: `make static` first.
FROM scratch
COPY target/static/etcdctl /etcdctl
ENTRYPOINT ["/etcdctl"]
