package http

import (
	"net/http"
	"testing"

	"parley/events"
)

// Without a line of the server's own to the call, as on a bridged provider.
func TestSigningOutEndsWhatIsTalkedInThere(t *testing.T) {
	d := newDesk(t)
	learner := d.registered("ana@example.org", events.RoleLearner)
	here, there := d.visitor("203.0.113.9"), d.visitor("203.0.113.10")
	here.signIn(http.StatusOK, "ana@example.org", herPassword)
	there.signIn(http.StatusOK, "ana@example.org", herPassword)
	browsers := map[bool]events.BrowserID{} // by whether it is the one that asks
	for _, b := range here.want(http.StatusOK, http.MethodGet, "/api/me/browsers", nil).body["browsers"].([]any) {
		of := b.(map[string]any)
		browsers[of["this"].(bool)] = events.BrowserID(of["id"].(string))
	}
	talked := func(in events.BrowserID) events.SessionID {
		id := events.SessionID(d.IDs.ULID())
		d.Append(t, id.Aggregate(), &events.SessionStarted{Learner: learner}, &events.TokenIssued{Call: 1, Browser: in})
		done, err := d.door.limits.talk.begin(learner, id, nil)
		if err != nil {
			t.Fatal(err)
		}
		done(true)
		return id
	}
	ended := func(id events.SessionID) events.EndReason {
		s := events.NewSession(id)
		for _, e := range d.Load(t, id.Aggregate()) {
			s.Evolve(e)
		}
		if s.Ended == nil {
			return ""
		}
		return s.Ended.Reason
	}
	mine, elsewhere := talked(browsers[true]), talked(browsers[false])
	t.Run("and nothing that is talked in elsewhere", func(t *testing.T) {
		here.want(http.StatusNoContent, http.MethodPost, "/api/sign-out", nil)
		if ended(mine) != events.EndedBySignOut || ended(elsewhere) != "" {
			t.Errorf("here %q, elsewhere %q", ended(mine), ended(elsewhere))
		}
	})
	t.Run("also from elsewhere", func(t *testing.T) {
		here.signIn(http.StatusOK, "ana@example.org", herPassword)
		here.want(http.StatusNoContent, http.MethodDelete, "/api/me/browsers/"+string(browsers[false]), nil)
		if ended(elsewhere) != events.EndedBySignOut {
			t.Errorf("%q", ended(elsewhere))
		}
	})
}
