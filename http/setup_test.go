package http

import (
	"net/http"
	"testing"

	"parley/events"
)

// The first account is decided from the log alone: this desk has no read models, as
// after a database that was lost.
func TestSetUpIsDecidedByTheLog(t *testing.T) {
	d := newDesk(t)
	d.door.setup.code = "the printed code"
	first := map[string]string{"code": "the printed code", "email": "ana@example.org", "password": herPassword}
	needed := func(want bool) {
		t.Helper()
		if body := d.visitor("192.0.2.1").want(http.StatusOK, http.MethodGet, "/api/setup", nil).body; body["needed"] != want {
			t.Errorf("%v, want %v", body, want)
		}
	}
	t.Run("an invitation is no account", func(t *testing.T) {
		if _, _, err := d.accounts.Invite(t.Context(), "system:test", events.Person{Email: "ben@example.org"}, []events.Role{events.RoleLearner}); err != nil {
			t.Fatal(err)
		}
		needed(true)
	})
	t.Run("an account that the log has closes the door", func(t *testing.T) {
		d := newDesk(t)
		d.door.setup.code = "the printed code"
		d.registered("olga@example.org")
		d.visitor("192.0.2.1").want(http.StatusForbidden, http.MethodPost, "/api/setup", first)
		if body := d.visitor("192.0.2.1").want(http.StatusOK, http.MethodGet, "/api/setup", nil).body; body["needed"] != false {
			t.Errorf("%v", body)
		}
	})
	t.Run("the first one is made, once", func(t *testing.T) {
		d.visitor("192.0.2.1").want(http.StatusCreated, http.MethodPost, "/api/setup", first)
		needed(false)
		d.visitor("192.0.2.1").want(http.StatusForbidden, http.MethodPost, "/api/setup", first)
	})
}
