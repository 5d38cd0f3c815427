package http

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"parley/events"
)

// tokenOf takes a link's token as the page would: from behind the #.
func tokenOf(t *testing.T, link string) string {
	t.Helper()
	address, err := url.Parse(link)
	if err != nil || address.RawQuery != "" {
		t.Fatalf("%s: %v", link, err)
	}
	_, token, _ := strings.Cut(address.Fragment, "?token=")
	return token
}

func TestInvitations(t *testing.T) {
	d := newDesk(t)
	d.registered("olga@example.org", events.RoleOperator)
	d.registered("lea@example.org", events.RoleLearner)
	olga, lea := d.visitor("198.51.100.7"), d.visitor("198.51.100.7")
	olga.signIn(http.StatusOK, "olga@example.org", herPassword)
	lea.signIn(http.StatusOK, "lea@example.org", herPassword)
	invite := func(email string) (token, account string) {
		t.Helper()
		made := olga.want(http.StatusCreated, http.MethodPost, "/api/invitations", map[string]any{"email": email, "name": "Ana", "roles": []string{"learner", "analyst"}}).body
		return tokenOf(t, made["link"].(string)), made["account"].(string)
	}
	accept := func(status int, token, password string) answer {
		t.Helper()
		return d.visitor("192.0.2.1").want(status, http.MethodPost, "/api/invitation/accept", map[string]string{"token": token, "name": "Ana N.", "password": password})
	}

	t.Run("only operators invite", func(t *testing.T) {
		body := map[string]any{"email": "x@example.org", "roles": []string{"operator"}}
		lea.want(http.StatusForbidden, http.MethodPost, "/api/invitations", body)
		d.visitor("192.0.2.1").want(http.StatusUnauthorized, http.MethodPost, "/api/invitations", body)
	})
	t.Run("somebody who has an account is not invited", func(t *testing.T) {
		olga.want(http.StatusConflict, http.MethodPost, "/api/invitations", map[string]any{"email": "lea@example.org", "roles": []string{"learner"}})
	})
	t.Run("the invited sees herself, opens her account once, and is signed in", func(t *testing.T) {
		token, account := invite("ana@example.org")
		seen := d.visitor("192.0.2.1").want(http.StatusOK, http.MethodPost, "/api/invitation", map[string]string{"token": token}).body
		if seen["email"] != "ana@example.org" || seen["name"] != "Ana" {
			t.Errorf("%v", seen)
		}
		accept(http.StatusUnprocessableEntity, token, "short")
		me := accept(http.StatusCreated, token, herPassword).body["account"].(map[string]any)
		if me["id"] != account || me["name"] != "Ana N." || len(me["roles"].([]any)) != 2 {
			t.Errorf("%v", me)
		}
		accept(http.StatusForbidden, token, herPassword)
		d.visitor("192.0.2.1").signIn(http.StatusOK, "ana@example.org", herPassword)
	})
	t.Run("a link that was changed opens nothing", func(t *testing.T) {
		token, account := invite("eve@example.org")
		for _, bad := range []string{"", "x", account, account + ".", token[:len(token)-1], token + "A", strings.ToLower(token)} {
			accept(http.StatusForbidden, bad, herPassword)
		}
	})
	t.Run("one that was withdrawn opens nothing, and whom it was for is unreadable", func(t *testing.T) {
		token, account := invite("ben@example.org")
		olga.want(http.StatusNoContent, http.MethodDelete, "/api/invitations/"+account, nil)
		accept(http.StatusForbidden, token, herPassword)
		olga.want(http.StatusNotFound, http.MethodDelete, "/api/invitations/"+account, nil)
		if !d.Load(t, events.AccountID(account).Aggregate())[0].Erased {
			t.Error("the address can still be read")
		}
	})
	t.Run("one that is over opens nothing", func(t *testing.T) {
		token, _ := invite("cem@example.org")
		d.Clock.Advance(InvitationLasts + time.Second)
		accept(http.StatusForbidden, token, herPassword)
	})
}

func TestInvitationTakesNoAddressThatIsTaken(t *testing.T) {
	d := newDesk(t)
	link, _, err := d.accounts.Invite(t.Context(), "system:test", events.Person{Email: "ana@example.org"}, []events.Role{events.RoleLearner})
	if err != nil {
		t.Fatal(err)
	}
	d.registered("ana@example.org")
	d.visitor("192.0.2.1").want(http.StatusConflict, http.MethodPost, "/api/invitation/accept", map[string]string{"token": link.Token, "password": herPassword})
}

func TestResetPassword(t *testing.T) {
	d := newDesk(t)
	id := d.registered("ana@example.org")
	desk := d.visitor("198.51.100.7")
	desk.signIn(http.StatusOK, "ana@example.org", herPassword)
	allow := func() string {
		t.Helper()
		link, _, err := d.accounts.AllowReset(t.Context(), "system:test", "Ana@example.org")
		if err != nil || link.Account != id {
			t.Fatalf("%+v, %v", link, err)
		}
		return tokenOf(t, ResetURL(d.public, link))
	}
	reset := func(status int, token, password string) {
		t.Helper()
		d.visitor("192.0.2.1").want(status, http.MethodPost, "/api/reset", map[string]string{"token": token, "password": password})
	}
	const next = "eight quiet rivers"

	t.Run("a link sets the password once and ends old cookies", func(t *testing.T) {
		token := allow()
		reset(http.StatusUnprocessableEntity, token, "qwertyuiop")
		desk.isSignedIn(true)
		reset(http.StatusOK, token, next)
		desk.isSignedIn(false)
		reset(http.StatusForbidden, token, herPassword)
		d.visitor("192.0.2.1").signIn(http.StatusUnauthorized, "ana@example.org", herPassword)
		d.visitor("192.0.2.1").signIn(http.StatusOK, "ana@example.org", next)
	})
	t.Run("a later link ends the earlier one", func(t *testing.T) {
		earlier := allow()
		later := allow()
		reset(http.StatusForbidden, earlier, herPassword)
		reset(http.StatusOK, later, herPassword)
	})
	t.Run("a password that she sets herself ends the link", func(t *testing.T) {
		token := allow()
		v := d.visitor("198.51.100.7")
		v.signIn(http.StatusOK, "ana@example.org", herPassword)
		v.want(http.StatusNoContent, http.MethodPut, "/api/me/password", map[string]string{"old": herPassword, "new": next})
		reset(http.StatusForbidden, token, herPassword)
	})
	t.Run("a link that is over sets nothing", func(t *testing.T) {
		token := allow()
		d.Clock.Advance(ResetLasts + time.Second)
		reset(http.StatusForbidden, token, herPassword)
	})
	t.Run("nobody's address has no link", func(t *testing.T) {
		if _, _, err := d.accounts.AllowReset(t.Context(), "system:test", "nobody@example.org"); events.CodeOf(err) != events.CodeNotFound {
			t.Error(err)
		}
	})
}
