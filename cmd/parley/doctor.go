package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
)

// verdict is how bad a finding is.
type verdict string

// The verdicts. Only a problem makes doctor fail.
const (
	fine    verdict = "ok"
	notice  verdict = "notice"
	problem verdict = "problem"
)

// finding is what doctor says about one thing, and what to do about it.
type finding struct {
	Check   string  `json:"check"`
	Verdict verdict `json:"verdict"`
	Says    string  `json:"says"`
	Cure    string  `json:"cure,omitempty"`
}

// doctor looks at everything that Parley stands on and names a cure for what is
// wrong. It changes nothing.
func doctor(ctx context.Context, t terminal, args []string) error {
	set, data := flags(t, "doctor")
	asJSON := set.Bool("json", false, "print one JSON object a line")
	addr := set.String("addr", "", "the address that serve is, or will be, given")
	mint := set.Bool("mint", false, "try the provider: fetch one token and let it expire")
	if err := parse(set, args); err != nil {
		return err
	}
	found := append(examineProvider(ctx, t.environ, *mint), examine(ctx, t, *data, *addr)...)
	print := printFindings
	if *asJSON {
		print = func(t terminal, found []finding) error { return printEach(t.out, found) }
	}
	if err := print(t, found); err != nil {
		return err
	}
	problems := 0
	for _, f := range found {
		if f.Verdict == problem {
			problems++
		}
	}
	if problems > 0 {
		return finds("problems found: %d", problems)
	}
	return nil
}

func printFindings(t terminal, found []finding) error {
	for _, f := range found {
		fmt.Fprintf(t.out, "%-8s %-13s %s\n", f.Verdict, f.Check, f.Says)
		if f.Cure != "" {
			fmt.Fprintf(t.out, "%23s%s\n", "→ ", f.Cure)
		}
	}
	return nil
}

// examine looks at the machine first, then at the servers as far as they are up.
func examine(ctx context.Context, t terminal, data, addr string) []finding {
	found := examineMachine(t.environ, data, addr)
	to, err := reachInstance(t, data)
	if err != nil {
		return append(found, finding{"servers", problem, err.Error(), "start it: parley serve --data " + data})
	}
	return append(found, examineServers(ctx, to)...)
}

// examineAddress tells whether a browser will give the microphone: only to pages of
// this machine or over TLS.
func examineAddress(c Config, addr string) finding {
	const check = "microphone"
	public, err := url.Parse(c.PublicURL)
	switch {
	case err != nil:
		return finding{check, problem, "PARLEY_PUBLIC_URL cannot be read: " + err.Error(), "write scheme, host and port"}
	case public.Scheme == "https", public.Host != "" && isLoopback(public.Hostname()):
		return finding{check, fine, "browsers give the microphone to " + c.PublicURL, ""}
	case public.Host != "":
		return finding{check, problem, "browsers give no microphone to " + c.PublicURL + ", as it is neither this machine nor TLS", "put a proxy with a certificate in front and set PARLEY_PUBLIC_URL to its https:// address"}
	}
	host, _, err := net.SplitHostPort(addr)
	if addr != "" && err != nil {
		return finding{check, problem, "--addr " + addr + " is no host and port", "write --addr 127.0.0.1:8787"}
	}
	if addr == "" || isLoopback(host) {
		return finding{check, fine, "browsers of this machine give the microphone to a loopback address", ""}
	}
	return finding{check, problem, "browsers of other machines give no microphone to " + addr + " without TLS", "put a proxy with a certificate in front and set PARLEY_PUBLIC_URL to its https:// address"}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
