package http

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the machines in front of Parley that may say who really asked.
// The zero value trusts nobody: a header that anyone can write says nothing.
type Proxies struct {
	Trusted []netip.Prefix
	Header  string // the one header they write, of [ProxyHeaders]
}

// ProxyHeaders are those that may be named in Proxies: the standard one (RFC
// 7239) and the two that proxies write by custom.
var ProxyHeaders = []string{"Forwarded", "X-Forwarded-For", "X-Real-IP"}

// Client is the address that a request comes from. Each trusted proxy adds the
// address it was asked from at the end of the header, so that list is read from
// the end: the first one that is not ours is the client. What stands before it
// the client may have written itself. An entry that is no address stops the
// reading at the proxy that passed it on.
func (p Proxies) Client(r *http.Request) netip.Addr {
	at := addressOf(r.RemoteAddr)
	if p.Header == "" {
		return at
	}
	said := p.said(r.Header)
	for i := len(said) - 1; i >= 0 && p.trusts(at); i-- {
		next := addressOf(said[i])
		if !next.IsValid() {
			break
		}
		at = next
	}
	return at
}

func (p Proxies) trusts(at netip.Addr) bool {
	for _, prefix := range p.Trusted {
		if prefix.Contains(at) {
			return true
		}
	}
	return false
}

// said lists the addresses of the header, in the order they were added.
func (p Proxies) said(header http.Header) []string {
	var all []string
	for _, line := range header.Values(p.Header) {
		for entry := range strings.SplitSeq(line, ",") {
			if p.Header == "Forwarded" {
				entry = forwardedFor(entry)
			}
			all = append(all, strings.TrimSpace(entry))
		}
	}
	return all
}

// forwardedFor is the for= of one element of a Forwarded header; empty without one.
func forwardedFor(element string) string {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(name, "for") {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// addressOf reads an address with or without a port; the zero value when it is
// none. An IPv4 address within IPv6 is the IPv4 address.
func addressOf(text string) netip.Addr {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone("")
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	at, err := netip.ParseAddr(bare)
	if err != nil {
		return netip.Addr{}
	}
	return at.Unmap().WithZone("")
}

type addressKey struct{}

// address is where the request of a context comes from; limits and audit use
// no other. It is the zero value only outside of requests.
func address(ctx context.Context) netip.Addr {
	at, _ := ctx.Value(addressKey{}).(netip.Addr)
	return at
}

// addressed notes where each request comes from.
func (s *Server) addressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), addressKey{}, s.config.Proxies.Client(r))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
