package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"parley/http"
)

// Edges are what the environment says of the web door's limits and of who may
// stand in front of it.
type Edges struct {
	TLSCert    string // path of a PEM file
	TLSKey     string // path of a PEM file
	Proxies    http.Proxies
	Allowances http.Allowances
}

// Bounds of what may be asked for.
const (
	rateMost   = 1 << 40
	periodMost = 31 * 24 * time.Hour
	talkMost   = 24 * time.Hour
	callsMost  = 1000
)

// edgeVariables are the lines of the configuration table for the web door's edges.
func edgeVariables() []variable {
	limit := func(name, standard, meaning string, field func(*http.Allowances) *http.Rate) variable {
		return variable{Name: name, Default: standard, Meaning: meaning, set: func(c *Config, given string) (err error) {
			*field(&c.Edges.Allowances), err = rateOf(given)
			return err
		}}
	}
	return []variable{
		{Name: "PARLEY_TLS_CERT", set: text(func(c *Config) *string { return &c.Edges.TLSCert }, anything),
			Meaning: "PEM file of the certificate, with its chain; read again when it changes. Not set: no TLS"},
		{Name: "PARLEY_TLS_KEY", set: text(func(c *Config) *string { return &c.Edges.TLSKey }, anything),
			Meaning: "PEM file of its private key"},
		{Name: "PARLEY_TRUSTED_PROXIES", set: setTrustedProxies,
			Meaning: "Networks whose machines may say who really asks, separated by commas: 10.0.0.0/8, ::1/128. Not set: nobody may"},
		{Name: "PARLEY_PROXY_HEADER", set: text(func(c *Config) *string { return &c.Edges.Proxies.Header }, oneOf(http.ProxyHeaders...)),
			Meaning: "The one header in which they say it: " + strings.Join(http.ProxyHeaders, ", ")},

		limit("PARLEY_LIMIT_TOKENS", "120/1m", "Calls that one account may open, as number/time; of this and each other limit 0 sets none", func(a *http.Allowances) *http.Rate { return &a.Tokens }),
		{Name: "PARLEY_LIMIT_CALLS", Default: "4", set: setLimitCalls,
			Meaning: "Sessions that one account may talk in at once (0 to 1000)"},
		{Name: "PARLEY_LIMIT_TALK", Default: "4h", set: setLimitTalk,
			Meaning: "How long one account may talk within 24 hours, in all its sessions together (0 to 24h); a call that runs ends then, and is saved"},
		limit("PARLEY_LIMIT_UPLOADS", "60/1h", "Uploads that one account may begin", func(a *http.Allowances) *http.Rate { return &a.Uploads }),
		limit("PARLEY_LIMIT_UPLOAD_BYTES", "8589934592/24h", "Bytes that one account may upload; at least PARLEY_UPLOAD_MAX", func(a *http.Allowances) *http.Rate { return &a.UploadBytes }),
		limit("PARLEY_LIMIT_REPORTS", "6000/1m", "Batches of events that one account's browsers may hand in", func(a *http.Allowances) *http.Rate { return &a.Reports }),
		limit("PARLEY_LIMIT_REPORT_BYTES", "67108864/1m", "Bytes of such events; at least 1048576", func(a *http.Allowances) *http.Rate { return &a.ReportBytes }),
	}
}

// rateOf reads "20/1m": a number within a time. "0" is no limit.
func rateOf(given string) (http.Rate, error) {
	wrong := errors.New("write a number and a time, such as 20/1m, or 0 for no limit")
	if given == "0" {
		return http.Rate{}, nil
	}
	number, period, _ := strings.Cut(given, "/")
	most, err := strconv.ParseInt(number, 10, 64)
	if err != nil || most < 1 || most > rateMost {
		return http.Rate{}, wrong
	}
	per, err := time.ParseDuration(period)
	if err != nil || per < time.Second || per > periodMost {
		return http.Rate{}, wrong
	}
	return http.Rate{Most: most, Per: per}, nil
}

func setTrustedProxies(c *Config, given string) error {
	for part := range strings.SplitSeq(given, ",") {
		network, err := netip.ParsePrefix(strings.TrimSpace(part))
		if err != nil {
			return errors.New("write networks with the length of their prefix: 10.0.0.0/8, ::1/128")
		}
		c.Edges.Proxies.Trusted = append(c.Edges.Proxies.Trusted, network.Masked())
	}
	return nil
}

func setLimitCalls(c *Config, given string) error {
	calls, err := number(given, 0, callsMost, "sessions")
	c.Edges.Allowances.CallsAtOnce = int(calls)
	return err
}

func setLimitTalk(c *Config, given string) error {
	talk, err := time.ParseDuration(given)
	if err != nil || talk < 0 || talk > talkMost {
		return fmt.Errorf("write a time from 0 to %s, such as 90m or 4h", talkMost)
	}
	c.Edges.Allowances.Talk = talk
	return nil
}

// edgeContradictions are the problems that no variable of the edges has alone.
func (c Config) edgeContradictions(complain func(wrong bool, format string, v ...any)) {
	e := c.Edges
	complain((e.TLSCert == "") != (e.TLSKey == ""), "PARLEY_TLS_CERT and PARLEY_TLS_KEY belong together: set both or neither")
	complain(e.TLSCert != "" && strings.HasPrefix(c.PublicURL, "http://"),
		"PARLEY_TLS_CERT is set, but PARLEY_PUBLIC_URL begins with http://: write https://")
	complain((e.Proxies.Trusted == nil) != (e.Proxies.Header == ""), "PARLEY_TRUSTED_PROXIES and PARLEY_PROXY_HEADER belong together: set both or neither")
	bytes := e.Allowances.UploadBytes.Most
	complain(bytes != 0 && bytes < c.UploadMax, "PARLEY_LIMIT_UPLOAD_BYTES allows less than PARLEY_UPLOAD_MAX, so that no such recording could ever be uploaded: raise it")
	bytes = e.Allowances.ReportBytes.Most
	complain(bytes != 0 && bytes < http.MaxReportBatch, "PARLEY_LIMIT_REPORT_BYTES allows less than one batch may hold, which is %d: raise it", http.MaxReportBatch)
}

// reachedFromElsewhere is true when browsers need not be on this machine, so
// that they may not find the embedded store.
func (c Config) reachedFromElsewhere() bool {
	public, err := url.Parse(c.PublicURL)
	if err != nil || c.PublicURL == "" {
		return false
	}
	ip := net.ParseIP(public.Hostname())
	return public.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}
