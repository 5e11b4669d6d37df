"""Addresses that nobody may make the platform ask (security.md S-58 to S-60)."""

PLAIN = """
http://127.0.0.1/ http://127.0.0.1:8443/ https://127.0.0.1/ http://127.1/ http://127.0.1/
http://127.255.255.254/ http://0.0.0.0/ http://0/ http://0.1.2.3/
http://2130706433/ http://017700000001/ http://0x7f000001/ http://0x7f.0.0.1/ http://0x7f.1/
http://0177.0.0.1/ http://0177.1/ http://127.0.0.01/ http://127.0.0.0x1/ http://00127.0.0.1/
http://127.0.0.1./ http://127.0.0.1.:80/ http://127..0.0.1/ http://4294967297/
http://10.0.0.1/ http://10.255.255.255/ http://172.16.0.1/ http://172.31.255.255/
http://192.168.0.1/ http://192.168.1.1:8443/ http://100.64.0.1/ http://100.100.100.200/
http://169.254.169.254/ http://169.254.169.254/latest/meta-data/iam/ http://2852039166/
http://0xa9fea9fe/ http://0251.0376.0251.0376/ http://169.254.43518/ http://168.63.129.16/
http://192.0.0.192/ http://192.0.0.8/ http://192.0.2.1/ http://192.88.99.1/ http://198.18.0.1/
http://198.51.100.1/ http://203.0.113.1/ http://224.0.0.1/ http://239.255.255.250/
http://240.0.0.1/ http://255.255.255.255/
http://[::]/ http://[::1]/ https://[::1]:8443/ http://[0:0:0:0:0:0:0:1]/ http://[::0001]/
http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/ http://[::ffff:169.254.169.254]/
http://[::ffff:8.8.8.8]/ http://[::127.0.0.1]/ http://[::ffff:0:127.0.0.1]/
http://[64:ff9b::7f00:1]/ http://[64:ff9b::169.254.169.254]/ http://[64:ff9b:1::7f00:1]/
http://[2002:7f00:1::]/ http://[2002:a9fe:a9fe::1]/ http://[2001:0:53aa:64c:0:fbff:80ff:fffe]/
http://[2001:db8::1]/ http://[2001:10::1]/ http://[2001:2::1]/ http://[3fff::1]/
http://[2a00:1450:4001::5efe:7f00:1]/ http://[2a00:1450:4001::200:5efe:7f00:1]/
http://[fc00::1]/ http://[fd00:ec2::254]/ http://[fd20:ce::254]/ http://[fe80::1]/
http://[fe80::1%25lo]/ http://[fe80::1%lo]/ http://[::1%25lo]/ http://[fec0::1]/ http://[ff02::1]/
http://[ff0e::1]/ http://[100::1]/ http://[v1.fe80]/ http://[::1 http://::1/ http://[127.0.0.1]/
http://localhost/ http://LOCALHOST/ http://localhost./ http://localhost.localdomain
http://a.localhost/ http://metadata/ http://metadata.google.internal/ http://printer.local/
http://router.lan/ http://wiki.corp/ http://nas.home.arpa/ http://hidden.onion/
http://example.org./ http://127.0.0.1%2f@example.org/ http://127.0.0.1%00.example.org/
http://exa%6dple.org/ http://%31%32%37.0.0.1/ http://-a.example.org/ http://a..example.org/
http://example.org@127.0.0.1/ http://user:word@example.org/ http://:@example.org/
http://@127.0.0.1/ http://127.0.0.1#@example.org/ http://127.0.0.1?@example.org/
http://example.org:80@127.0.0.1/ http://127.0.0.1:80#@example.org:80/
http://127.0.0.1\\@example.org/ http://example.org\\@127.0.0.1/ http:\\\\127.0.0.1\\
http:/127.0.0.1/ http:127.0.0.1/ http:///127.0.0.1/ http:////127.0.0.1/ //127.0.0.1/ 127.0.0.1
/etc/passwd localhost:80 http:// http://? http://# http://: http://:80/ http://127.0.0.1:/
http://example.org:0/ http://example.org:22/ http://example.org:25/ http://example.org:6379/
http://example.org:5432/ http://example.org:2375/ http://example.org:65536/
http://example.org:+80/ http://example.org:080/ http://example.org:80:80/ http://example.org:8o/
http://example.org:99999999999999999999/ http://example.org:443443/
file:///etc/passwd file://localhost/etc/passwd file:/etc/passwd FILE:///etc/passwd
gopher://127.0.0.1:70/_x ftp://127.0.0.1/ ftps://127.0.0.1/ dict://127.0.0.1:11211/stat
ldap://127.0.0.1/ tftp://127.0.0.1/ sftp://127.0.0.1/ ws://127.0.0.1/ wss://127.0.0.1/
data:text/plain,hello jar:http://127.0.0.1!/ netdoc:///etc/passwd unix:///run/docker.sock
s3://bucket/key blob:http://127.0.0.1/ about:blank javascript:alert(1) view-source:http://127.0.0.1
httpx://127.0.0.1/ http+unix://%2frun%2fdocker.sock/ hTTp://127.0.0.1/ url:http://127.0.0.1/
"""
ODD = [
    "", " ", "http://127.0.0.1 /", " http://127.0.0.1/", "http://127.0.0.1/\n", "\thttp://[::1]/",
    "http://example.org\t@127.0.0.1/", "http://example.org\r\nHost: a/", "http://127.0.0.1\x00/",
    "http://example.org/a b", "http://example.org/\x00", "http://example.org/\r\nX: 1",
    "http://example.org/\u2028", "http://exa\u200bmple.org/", "http://\u202eexample.org/",
    "http://127\u30020\u30020\u30021/", "http://127\uff0e0\uff0e0\uff0e1/",
    "http://127\uff610\uff610\uff611/", "http://\uff11\uff12\uff17.0.0.1/",
    "http://\u2460\u2461\u2466.0.0.1/", "http://\u0661\u0662\u0667.\u0660.\u0660.\u0661/",
    "http://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/", "http://loc\u00adalhost/",
    "http://localho\u017ft/", "http://\u212aubernetes.default.svc/", "http://example\u3002org/",
    "http://ex\u0430mple.org:6379/", "http://[::\uff11]/", "http\uff1a//127.0.0.1/",
    "http:\uff0f\uff0f127.0.0.1/", "http://example.org\uff0f@127.0.0.1/",
    "http://example.org\uff03@127.0.0.1/", "http://127.0.0.1:\uff18\uff10/",
    "http://" + "a" * 64 + ".example.org/", "http://" + "a." * 130 + "org/",
    "http://example.org/" + "a" * 5000,
]  # fmt: skip
REFUSED = list(dict.fromkeys([*PLAIN.split(), *ODD]))

PUBLIC = "93.184.216.34"
NAMES = {
    "loop.example.org": ["127.0.0.1"],
    "loop6.example.org": ["::1"],
    "mapped.example.org": ["::ffff:127.0.0.1"],
    "unspecified.example.org": ["0.0.0.0"],
    "private.example.org": ["10.0.0.5"],
    "metadata.example.org": ["169.254.169.254"],
    "nat64.example.org": ["64:ff9b::7f00:1"],
    "local6.example.org": ["fe80::1"],
    "mixed.example.org": [PUBLIC, "127.0.0.1"],
    "mixed6.example.org": [PUBLIC, "::1"],
    "last.example.org": [PUBLIC, "1.1.1.1", "8.8.8.8", "9.9.9.9", "192.168.0.1"],
    "nothing.example.org": [],
    "xn--bcher-kva.example.org": ["127.0.0.1"],
}
"""Names and what a hostile resolver says of them."""
NAMED = [
    *(f"http://{name}/" for name in NAMES),
    "https://loop.example.org:8443/",
    "http://LOOP.Example.ORG/",
    "http://b\u00fccher.example.org/",
    "http://unknown.example.org/",
]
REDIRECTS = [
    "http://127.0.0.2/", "//127.0.0.2/", "http://127.0.0.2:8443/", "https://127.0.0.2/",
    "http://169.254.169.254/", "http://[::1]/", "http://2130706434/", "http://loop.example.org/",
    "http://localhost/", "file:///etc/passwd",
    "gopher://127.0.0.2/", "data:text/plain,x",
    "ftp://127.0.0.2/", "http://start.example.org@127.0.0.2/", "\\\\127.0.0.2\\", "/\\127.0.0.2/",
    "http://127.0.0.2\\@start.example.org/", "http://start.example.org:22/", "http://[",
    "javascript:1", "http://127.0.0.2/\u00e9", "http://mixed.example.org/",
]  # fmt: skip
"""Where an allowed server sends the platform to."""
