/* SPDX-License-Identifier: MIT */
/*
 * addr.c - internet addresses and host names in one form
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/num.h"

static const uint8_t v4_prefix[12] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
};

void addr_from_v4(uint32_t addr_be, struct addr *ret)
{
	memcpy(ret->b, v4_prefix, sizeof(v4_prefix));
	memcpy(ret->b + 12, &addr_be, 4);
}

bool addr_is_v4(const struct addr *a)
{
	return memcmp(a->b, v4_prefix, sizeof(v4_prefix)) == 0;
}

int addr_from_sockaddr(const void *sa, size_t n, struct addr *ret,
		       uint16_t *ret_port)
{
	sa_family_t family;

	if (n < sizeof(family))
		return -EINVAL;
	memcpy(&family, sa, sizeof(family));
	if (family == AF_INET) {
		struct sockaddr_in in;

		if (n < sizeof(in))
			return -EINVAL;
		memcpy(&in, sa, sizeof(in));
		addr_from_v4(in.sin_addr.s_addr, ret);
		*ret_port = ntohs(in.sin_port);
		return 0;
	}
	if (family == AF_INET6) {
		struct sockaddr_in6 in6 = { 0 };

		/* the kernel accepts the RFC 2133 form without a scope id */
		if (n < offsetof(struct sockaddr_in6, sin6_scope_id))
			return -EINVAL;
		memcpy(&in6, sa, MIN(n, sizeof(in6)));
		memcpy(ret->b, &in6.sin6_addr, sizeof(ret->b));
		*ret_port = ntohs(in6.sin6_port);
		return 0;
	}
	return -EAFNOSUPPORT;
}

static void take_v4(const uint8_t *p, uint8_t flip, struct addr *ret)
{
	memcpy(ret->b, v4_prefix, sizeof(v4_prefix));
	for (unsigned int i = 0; i < 4; i++)
		ret->b[12 + i] = p[i] ^ flip;
}

bool addr_unwrap(const struct addr *a, struct addr *ret)
{
	static const uint8_t zero[12] = { 0 };
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	static const uint8_t nat64_local[6] = { 0x00, 0x64, 0xff, 0x9b, 0, 1 };
	static const uint8_t siit[12] = { [8] = 0xff, 0xff }; /* RFC 2765 */
	const uint8_t *b = a->b;

	if (addr_is_v4(a) || memcmp(b, nat64, 12) == 0 ||
	    memcmp(b, nat64_local, 6) == 0 || memcmp(b, siit, 12) == 0) {
		take_v4(b + 12, 0, ret);
		return true;
	}
	if (b[0] == 0x20 && b[1] == 0x02) { /* 6to4, RFC 3056 */
		take_v4(b + 2, 0, ret);
		return true;
	}
	if (b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0) {
		take_v4(b + 12, 0xff, ret); /* Teredo client, RFC 4380 */
		return true;
	}
	/* v4-compatible; :: and ::1 are themselves */
	if (memcmp(b, zero, 12) == 0 &&
	    (b[12] || b[13] || b[14] || b[15] > 1)) {
		take_v4(b + 12, 0, ret);
		return true;
	}
	return false;
}

struct class_row {
	uint8_t net[16]; /* IPv4: the first four bytes */
	uint8_t bits;    /* of those bytes */
	enum addr_class class;
};

/*
 * IANA special-purpose registries, and the addresses at which clouds serve
 * instance metadata or credentials. First match wins, most specific first.
 * Networks for documentation and for measurements (192.0.2.0/24, 198.18.0.0/15,
 * 2001:db8::/32, ...) are not among them: nothing of a host or of its network is
 * there, and laboratories, gateways and tests use them for what is outside.
 */
static const struct class_row v4_rows[] = {
	{ { 169, 254, 169, 254 }, 32, ADDR_METADATA }, /* AWS GCP Azure DO OCI */
	{ { 169, 254, 170, 2 }, 32, ADDR_METADATA },   /* AWS ECS */
	{ { 169, 254, 170, 23 }, 32, ADDR_METADATA }, /* AWS EKS pod identity */
	{ { 169, 254, 169, 123 }, 32, ADDR_METADATA }, /* AWS time */
	{ { 169, 254, 169, 253 }, 32, ADDR_METADATA }, /* AWS DNS */
	{ { 169, 254, 0, 23 }, 32, ADDR_METADATA },    /* Tencent */
	{ { 169, 254, 42, 42 }, 32, ADDR_METADATA },   /* Scaleway */
	{ { 169, 254, 169, 250 }, 32, ADDR_METADATA }, /* Rancher */
	{ { 100, 100, 100, 200 }, 32, ADDR_METADATA }, /* Alibaba */
	{ { 168, 63, 129, 16 }, 32, ADDR_METADATA },   /* Azure wire server */
	{ { 192, 0, 0, 192 }, 32, ADDR_METADATA },     /* Oracle classic */
	{ { 0, 0, 0, 0 }, 32, ADDR_UNSPECIFIED },
	/* routed like any other since 5.3, by whatever route there is */
	{ { 0, 0, 0, 0 }, 8, ADDR_RESERVED },
	{ { 127, 0, 0, 0 }, 8, ADDR_LOOPBACK },
	{ { 169, 254, 0, 0 }, 16, ADDR_LINK_LOCAL },
	{ { 224, 0, 0, 0 }, 4, ADDR_MULTICAST },
	{ { 255, 255, 255, 255 }, 32, ADDR_MULTICAST },
	{ { 10, 0, 0, 0 }, 8, ADDR_PRIVATE },
	{ { 172, 16, 0, 0 }, 12, ADDR_PRIVATE },
	{ { 192, 168, 0, 0 }, 16, ADDR_PRIVATE },
	{ { 100, 64, 0, 0 }, 10, ADDR_PRIVATE },
	{ { 192, 0, 0, 0 }, 24, ADDR_RESERVED },
	{ { 192, 88, 99, 0 }, 24, ADDR_RESERVED },
	{ { 240, 0, 0, 0 }, 4, ADDR_RESERVED },
};

static const struct class_row v6_rows[] = {
	{ { 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54 },
	  128,
	  ADDR_METADATA }, /* fd00:ec2::254/128 AWS */
	{ { 0xfd, 0x00, 0x0e, 0xc2, [15] = 0x23 },
	  128,
	  ADDR_METADATA }, /* fd00:ec2::23/128 AWS EKS pod identity */
	{ { 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x53 },
	  128,
	  ADDR_METADATA }, /* fd00:ec2::253/128 AWS DNS */
	{ { 0xfd, 0x00, 0x00, 0xc1, [12] = 0xa9, 0xfe, 0xa9, 0xfe },
	  128,
	  ADDR_METADATA }, /* fd00:c1::a9fe:a9fe/128 Oracle */
	{ { 0xfe, 0x80, [12] = 0xa9, 0xfe, 0xa9, 0xfe },
	  128,
	  ADDR_METADATA }, /* fe80::a9fe:a9fe/128 OpenStack */
	{ { 0xfd, 0x20, 0x00, 0xce, [14] = 0x02, [15] = 0x54 },
	  128,
	  ADDR_METADATA }, /* fd20:ce::254/128 GCP */
	{ { 0xfd, 0x00, 0xa9, 0xfe, 0xa9, 0xfe, [15] = 0x01 },
	  128,
	  ADDR_METADATA }, /* fd00:a9fe:a9fe::1/128 Linode */
	{ { 0xfd, 0x00, 0x00, 0x42, [15] = 0x42 },
	  128,
	  ADDR_METADATA },                       /* fd00:42::42/128 Scaleway */
	{ { 0 }, 128, ADDR_UNSPECIFIED },        /* ::/128 */
	{ { [15] = 0x01 }, 128, ADDR_LOOPBACK }, /* ::1/128 */
	{ { 0xfe, 0x80 }, 10, ADDR_LINK_LOCAL }, /* fe80::/10 */
	{ { 0xfe, 0xc0 }, 10, ADDR_PRIVATE },    /* fec0::/10 */
	{ { 0xfc }, 7, ADDR_PRIVATE },           /* fc00::/7 */
	{ { 0xff }, 8, ADDR_MULTICAST },         /* ff00::/8 */
	{ { 0x01 }, 64, ADDR_RESERVED },         /* 100::/64 */
	{ { 0x20, 0x01, 0x00, 0x02 }, 48, ADDR_RESERVED }, /* 2001:2::/48 */
	{ { 0x20, 0x01, 0x00, 0x10 }, 28, ADDR_RESERVED }, /* 2001:10::/28 */
	{ { 0x20, 0x01, 0x00, 0x20 }, 28, ADDR_RESERVED }, /* 2001:20::/28 */
	{ { 0x5f }, 16, ADDR_RESERVED },                   /* 5f00::/16 */
};

static bool in_prefix(const uint8_t *a, const uint8_t *net, unsigned int bits)
{
	unsigned int bytes = bits / 8, rest = bits % 8;

	if (memcmp(a, net, bytes) != 0)
		return false;
	return rest == 0 ||
	       ((a[bytes] ^ net[bytes]) & (0xff00U >> rest) & 0xffU) == 0;
}

static enum addr_class classify_in(const uint8_t *a,
				   const struct class_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (in_prefix(a, rows[i].net, rows[i].bits))
			return rows[i].class;
	return ADDR_PUBLIC;
}

enum addr_class addr_classify(const struct addr *a)
{
	enum addr_class own, inner = ADDR_PUBLIC;
	struct addr v4;

	if (addr_is_v4(a))
		return classify_in(a->b + 12, v4_rows, ARRAY_LEN(v4_rows));
	own = classify_in(a->b, v6_rows, ARRAY_LEN(v6_rows));
	if (addr_unwrap(a, &v4))
		inner = classify_in(v4.b + 12, v4_rows, ARRAY_LEN(v4_rows));
	return MIN(own, inner);
}

static int parse_with(int family, struct str s, struct addr *ret)
{
	char text[INET6_ADDRSTRLEN + 1];
	struct in_addr v4;

	if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, 0, s.n))
		return -EINVAL;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	if (family == AF_INET6)
		return inet_pton(AF_INET6, text, ret->b) == 1 ? 0 : -EINVAL;
	if (inet_pton(AF_INET, text, &v4) != 1)
		return -EINVAL;
	addr_from_v4(v4.s_addr, ret);
	return 0;
}

int addr_parse(struct str s, struct addr *ret)
{
	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		return parse_with(AF_INET6, str_from_n(s.p + 1, s.n - 2), ret);
	if (str_index(s, ':') >= 0)
		return parse_with(AF_INET6, s, ret);
	return parse_with(AF_INET, s, ret);
}

/* One part of an inet_aton address: 0x hexadecimal, 0 octal, or decimal. */
static int parse_part(struct str s, uint32_t *ret)
{
	unsigned int radix = 10;
	uint64_t value = 0;

	if (s.n == 0)
		return -EINVAL;
	if (s.n > 1 && s.p[0] == '0') {
		bool hex = s.p[1] == 'x' || s.p[1] == 'X';

		radix = hex ? 16 : 8;
		s = str_skip(s, hex ? 2 : 1);
	}
	for (size_t i = 0; i < s.n; i++) {
		unsigned int c = (unsigned char)s.p[i], digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			digit = (c | 32) - 'a' + 10;
		else
			return -EINVAL;
		if (digit >= radix)
			return -EINVAL;
		value = value * radix + digit;
		if (value > UINT32_MAX)
			return -EINVAL;
	}
	*ret = (uint32_t)value;
	return 0;
}

/* inet_aton(3): the last part fills what the earlier ones leave. */
static int parse_aton(struct str s, struct addr *ret)
{
	struct str rest = s, part;
	uint32_t parts[4], value = 0;
	size_t n = 0;

	while (str_split(&rest, '.', &part)) {
		if (n == 4 || parse_part(part, &parts[n]) < 0)
			return -EINVAL;
		n++;
	}
	if (n == 0 || (s.n && s.p[s.n - 1] == '.'))
		return -EINVAL;
	for (size_t i = 0; i + 1 < n; i++) {
		if (parts[i] > 255)
			return -EINVAL;
		value |= parts[i] << (24 - 8 * i);
	}
	if (n > 1 && parts[n - 1] > (UINT32_MAX >> (8 * (n - 1))))
		return -EINVAL;
	value |= parts[n - 1];
	addr_from_v4(htonl(value), ret);
	return 0;
}

int addr_parse_loose(struct str s, struct addr *ret)
{
	ptrdiff_t scope;

	if (addr_parse(s, ret) == 0)
		return 0;
	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = str_from_n(s.p + 1, s.n - 2);
	scope = str_index(s, '%');
	if (scope > 0 && str_index(s, ':') >= 0)
		return parse_with(AF_INET6, str_from_n(s.p, (size_t)scope),
				  ret);
	return parse_aton(s, ret);
}

void addr_format(const struct addr *a, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];
	const char *p;

	if (addr_is_v4(a))
		p = inet_ntop(AF_INET, a->b + 12, text, sizeof(text));
	else
		p = inet_ntop(AF_INET6, a->b, text, sizeof(text));
	buf_puts(out, p ? p : "?");
}

int addr_parse_cidr(struct str s, struct addr *ret, unsigned int *ret_bits)
{
	ptrdiff_t slash = str_index(s, '/');
	struct addr a;
	int64_t bits;
	int max;

	if (slash < 0 || !s.p ||
	    addr_parse(str_from_n(s.p, (size_t)slash), &a) < 0)
		return -EINVAL;
	max = memchr(s.p, ':', (size_t)slash) ? 128 : 32;
	if (num_parse_range(str_skip(s, (size_t)slash + 1), 0, max, &bits) < 0)
		return -EINVAL;
	*ret = a;
	*ret_bits = (unsigned int)bits + (max == 32 ? 96U : 0U);
	return 0;
}

bool addr_in_cidr(const struct addr *a, const struct addr *net,
		  unsigned int bits)
{
	return bits <= 128 && in_prefix(a->b, net->b, bits);
}

static bool label_ok(struct str label)
{
	if (label.n == 0 || label.n > 63 || label.p[0] == '-' ||
	    label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++) {
		unsigned int c = (unsigned char)label.p[i];
		bool alpha = (c | 32) >= 'a' && (c | 32) <= 'z';

		if (!alpha && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return true;
}

int host_canonical(struct str s, struct buf *out, struct addr *ret_addr)
{
	struct str rest, label;
	struct addr a;

	if (s.n > 1 && s.p[s.n - 1] == '.')
		s.n--;
	if (addr_parse_loose(s, &a) == 0) {
		addr_format(&a, out);
		*ret_addr = a;
		return 1;
	}
	if (s.n == 0 || s.n > 253 || s.p[s.n - 1] == '.')
		return -EINVAL;
	rest = s;
	while (str_split(&rest, '.', &label))
		if (!label_ok(label))
			return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		buf_putc(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
	}
	return 0;
}

bool host_is_metadata(struct str canonical)
{
	static const char *const names[] = {
		"metadata",
		"metadata.google.internal",
		"metadata.goog",
		"instance-data",
		"instance-data.ec2.internal",
		"metadata.azure.internal",
		"metadata.packet.net",
		"metadata.platformequinix.com",
		"metadata.tencentyun.com",
		"api.metadata.cloud.ibm.com",
		"rancher-metadata",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq_c(canonical, names[i]))
			return true;
	return false;
}
