package jetstream

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"parley/events"
)

// storedFrom reads a message as golden files hold it: subject, headers, body.
func storedFrom(text []byte) *stored {
	head, body, _ := bytes.Cut(text, []byte("\n\n"))
	m := &stored{seq: 1, header: nats.Header{}, data: body}
	for i, line := range strings.Split(string(head), "\n") {
		name, value, _ := strings.Cut(line, ": ")
		if i == 0 {
			m.subject = line
			continue
		}
		m.header.Add(name, value)
	}
	return m
}

// Whatever lies in the log, decoding names it or gives an event that is written
// the same way again.
func FuzzEnvelope(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "parley.*.txt"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		golden, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(golden)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m := storedFrom(text)
		e, sealed, err := decodeClear(m)
		if err != nil {
			if u, is := unreadable(e, m, err).Body.(*events.Unreadable); !is || u.Reason == "" {
				t.Fatalf("%+v does not say why", u)
			}
			return
		}
		if e.Body == nil || e.ID == "" {
			t.Fatalf("an event without id or body: %+v", e)
		}
		clear, _, err := splitBody(m.data)
		if err != nil {
			t.Fatal(err)
		}
		again, sealedAgain, err := splitBody(joinBody(clear, sealed))
		if err != nil || !bytes.Equal(again, clear) || !bytes.Equal(sealedAgain, sealed) {
			t.Fatalf("%q with %x comes back as %q with %x, %v", clear, sealed, again, sealedAgain, err)
		}
	})
}

// A cookie names the subject that is asked for: it must never name another, nor
// many.
func FuzzSignInSubject(f *testing.F) {
	const id = "01KKNTQ1T8T86QE1DZ548F6KRQ"
	f.Add(id, id)
	f.Add("*", ">")
	f.Add(id+"."+id, "")
	f.Add(id, id+" x")
	f.Fuzz(func(t *testing.T, account, browser string) {
		subject, err := signInSubject(events.AccountID(account), events.BrowserID(browser))
		if err != nil {
			return
		}
		if strings.ContainsAny(subject, "*> \t\r\n\x00") || !strings.HasSuffix(subject, "."+account+"."+browser) || strings.Contains(account+browser, ".") {
			t.Fatalf("%q and %q make the subject %q", account, browser, subject)
		}
	})
}
