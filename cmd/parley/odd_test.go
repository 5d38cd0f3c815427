package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"parley/cmd/parley/embedded"
	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
	door "parley/http"
)

// put stores a message in the program's log past the program.
func (p *program) put(t *testing.T, subject, header, body string) {
	t.Helper()
	at, err := embedded.ReadConnection(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(at.NATS.URL)
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.UserPassword(at.NATS.User, at.NATS.Password)
	eventstest.PutRaw(t, address.String(), subject, header, body)
}

// eachLine reads what a command printed as a JSON object per line.
func eachLine[T any](t *testing.T, out string) (all []T) {
	t.Helper()
	for line := range strings.Lines(out) {
		var each T
		if err := json.Unmarshal([]byte(line), &each); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		all = append(all, each)
	}
	return all
}

// Whatever lies in the log, the program starts on it, says that it is ready, names
// what it cannot read, and lets operators and every other session go on.
func TestOddMessages(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	broken, silent := ada.startSession(), ada.silentSession()
	const began = "NATS/1.0\r\nce-specversion: 1.0\r\nce-id: odd\r\nce-time: 2026-03-14T09:26:53.000Z\r\nce-type: parley.session_started.v1\r\nce-subject: session/"
	p.put(t, "parley.session."+broken.id, "NATS/1.0\r\nno colon here\r\n\r\n", "{}")
	odd := []string{"a:b", "é", "a$b", "*", ">", "not-a-ulid"}
	for _, id := range odd {
		p.put(t, "parley.session."+id, began+id+"\r\n\r\n", `{"learner":"01JD00000000000000000000AA"}`)
	}
	p.put(t, "parley.session.a\xffb", began+"a\xffb\r\nce-actor: \xff\r\n\r\n", `{}`)
	p.put(t, "parley.audit.x.y.z", "NATS/1.0\r\nce-id: \xff\r\n\r\n", `{}`)
	var last events.Position
	p.inTheLog(t, func(ctx context.Context, log *jetstream.Log) error {
		id, err := log.Identity(ctx)
		last = id.Last
		return err
	})
	ada.must(http.StatusOK, "GET", silent.path("?min_position="+last.String()), nil) // the checkpoint stands there
	p.stop()
	p = p.again(t, ada)
	ada.must(http.StatusOK, "GET", "/readyz", nil)
	wantSegments(t, silent)
	ada.silentSession()

	t.Run("recover lists who is stuck", func(t *testing.T) {
		found := stuckIn(t, p.dir, "--quiet", "0s")
		if len(found) != 3 || found[silent.id].Status != "active" || found[broken.id].Why == "" {
			t.Errorf("%+v", found)
		}
	})
	t.Run("dead-letters names each", func(t *testing.T) {
		out, errs, code := invoke(t, "", "dead-letters", "--data", p.dir, "--json")
		if letters := eachLine[door.DeadLetter](t, out); code != exitOK || len(letters) != len(odd)+3 {
			t.Errorf("exit %d, %d letters: %s%s", code, len(letters), out, errs)
		}
	})
	t.Run("a retry gets through all of them", func(t *testing.T) {
		out, errs, code := invoke(t, "", "dead-letters", "--data", p.dir, "--json", "retry")
		if tried := eachLine[door.Retried](t, out); code != exitFound || len(tried) != len(odd)+3 {
			t.Errorf("exit %d, %d tried: %s%s", code, len(tried), out, errs)
		}
	})
	t.Run("verify and rebuild read it all", func(t *testing.T) {
		for _, args := range [][]string{{"verify"}, {"rebuild", "--yes"}} {
			if out, errs, code := invoke(t, "", append(args, "--data", p.dir)...); code != exitOK {
				t.Errorf("%v: exit %d, %s%s", args, code, out, errs)
			}
		}
	})
}

// The log's last event was removed by hand. Who reads up to the end of the log does
// not wait for it.
func TestLastEventRemoved(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	silent := ada.silentSession()
	p.put(t, "parley.audit.x.y", "NATS/1.0\r\nce-id: x\r\n\r\n", "{}")
	p.inTheLog(t, func(ctx context.Context, log *jetstream.Log) error {
		id, err := log.Identity(ctx)
		return errors.Join(err, log.SecureDelete(ctx, id.Last))
	})
	if found := stuckIn(t, p.dir, "--quiet", "0s"); len(found) != 1 || found[silent.id].Status != "active" {
		t.Errorf("recover: %+v", found)
	}
	if out, errs, code := invoke(t, "", "objects", "check", "--data", p.dir); code != exitOK {
		t.Errorf("objects check: exit %d, %s%s", code, out, errs)
	}
}

// A log that takes nothing more after an error of its disk still answers questions.
// Readiness says so all the same.
func TestReadinessSeesAFrozenLog(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	ada.must(http.StatusOK, "GET", "/readyz", nil)
	found, err := filepath.Glob(filepath.Join(p.dir, "nats", "jetstream", "*", "streams", "PARLEY", "msgs"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the log's files: %v, %v", found, err)
	}
	if err := os.Rename(found[0], found[0]+"-gone"); err != nil {
		t.Fatal(err)
	}
	js := p.streams(t)
	var told answer
	for n := 0; told.status != http.StatusServiceUnavailable; n++ {
		if n == 100 {
			t.Fatalf("the log takes whatever comes, or nobody sees that it does not: %s", told)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := js.PublishMsg(ctx, &nats.Msg{Subject: "parley.audit.x.y", Data: make([]byte, 900_000)})
		cancel()
		if err != nil { // it may only be slow
			told = ada.do("GET", "/readyz", nil)
		}
	}
	if !strings.Contains(fmt.Sprint(told.json), "write error") {
		t.Errorf("it says %v", told.json)
	}
}
