package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestAccountCommands runs what operators do for people, on a running program.
func TestAccountCommands(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	run := func(want int, args ...string) map[string]any {
		t.Helper()
		out, errs, code := invoke(t, "", append([]string{"account", args[0], "--data", p.dir, "--json"}, args[1:]...)...)
		if code != want {
			t.Fatalf("account %v: exit %d\n%s%s", args, code, out, errs)
		}
		var said map[string]any
		if code == exitOK {
			if err := json.Unmarshal([]byte(out), &said); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		return said
	}
	token := func(said map[string]any, view string) string {
		t.Helper()
		link := said["link"].(string)
		_, token, found := strings.Cut(link, "/#/"+view+"?token=")
		if !found || !strings.HasPrefix(link, p.base) {
			t.Fatalf("link %s of %s", link, p.base)
		}
		return token
	}

	t.Run("an invited opens her account", func(t *testing.T) {
		link := token(run(exitOK, "invite", "--email", "berk@example.org", "--role", "learner,operator"), "invitation")
		berk := newBrowser(t, p.base)
		berk.must(http.StatusCreated, "POST", "/api/invitation/accept", map[string]string{"token": link, "password": password})
		signIn(t, p.base, "berk@example.org").must(http.StatusOK, "GET", "/api/ops/status", nil)
	})
	t.Run("a reset sets a password and signs out", func(t *testing.T) {
		berk := signIn(t, p.base, "berk@example.org")
		link := token(run(exitOK, "reset", "berk@example.org"), "reset")
		newBrowser(t, p.base).must(http.StatusOK, "POST", "/api/reset", map[string]string{"token": link, "password": password + "!"})
		berk.refuse(http.StatusUnauthorized, "unauthenticated", "GET", "/api/me", nil)
	})
	t.Run("roles come and go, by command and by route", func(t *testing.T) {
		run(exitOK, "role", "--email", "berk@example.org", "--grant", "analyst")
		id := ""
		for _, a := range ada.must(http.StatusOK, "GET", "/api/accounts", nil).json["accounts"].([]any) {
			if account := a.(map[string]any); account["email"] == "berk@example.org" {
				id = account["id"].(string)
			}
		}
		left := ada.must(http.StatusOK, "DELETE", "/api/accounts/"+id+"/roles/operator", nil).json["roles"].([]any)
		if len(left) != 2 || left[0] != "analyst" || left[1] != "learner" {
			t.Errorf("%v", left)
		}
	})
	t.Run("the last operator stays one", func(t *testing.T) {
		run(exitFailed, "role", "--email", "ada@example.org", "--withdraw", "operator")
		id := ada.must(http.StatusOK, "GET", "/api/me", nil).text("account", "id")
		ada.refuse(http.StatusConflict, "conflict", "DELETE", "/api/accounts/"+id+"/roles/operator", nil)
		ada.must(http.StatusOK, "GET", "/api/ops/status", nil)
		run(exitOK, "role", "--email", "ada@example.org", "--withdraw", "analyst")
	})
	t.Run("pages of accounts follow each other", func(t *testing.T) {
		first := ada.must(http.StatusOK, "GET", "/api/accounts?limit=1", nil)
		rest := ada.must(http.StatusOK, "GET", "/api/accounts?limit=1&cursor="+first.text("next"), nil)
		if first.json["accounts"].([]any)[0].(map[string]any)["email"] != "ada@example.org" || rest.json["next"] != nil {
			t.Errorf("%v, then %v", first.json, rest.json)
		}
	})
	t.Run("an open invitation is listed until it is accepted or ended", func(t *testing.T) {
		opens := token(run(exitOK, "invite", "--email", "cleo@example.org", "--name", "Cleo", "--role", "analyst"), "invitation")
		ended := token(run(exitOK, "invite", "--email", "dora@example.org", "--role", "learner"), "invitation")
		at := ada.must(http.StatusOK, "GET", "/api/ops/status", nil).text("log")
		ada.must(http.StatusOK, "GET", "/api/ops/audit?min_position="+at, nil) // the list comes from the read models
		if said := run(exitOK, "uninvite", "--email", "Dora@example.org"); said["account"] == "" {
			t.Errorf("%v", said)
		}
		run(exitFailed, "uninvite", "--email", "dora@example.org")
		newBrowser(t, p.base).refuse(http.StatusForbidden, "forbidden", "POST", "/api/invitation", map[string]string{"token": ended})
		list := ada.must(http.StatusOK, "GET", "/api/invitations", nil).json["invitations"].([]any)
		if first := list[0].(map[string]any); len(list) != 1 || first["email"] != "cleo@example.org" || first["name"] != "Cleo" {
			t.Errorf("%v", list)
		}
		if said := run(exitOK, "invitations"); said["email"] != "cleo@example.org" {
			t.Errorf("%v", said)
		}
		newBrowser(t, p.base).must(http.StatusCreated, "POST", "/api/invitation/accept", map[string]string{"token": opens, "password": password})
		if list := ada.must(http.StatusOK, "GET", "/api/invitations", nil).json["invitations"].([]any); len(list) != 0 {
			t.Errorf("%v", list)
		}
	})
	t.Run("what is missing or unknown is refused", func(t *testing.T) {
		run(exitUsage, "paint")
		run(exitUsage, "invite", "--email", "x@example.org")
		run(exitFailed, "invite", "--email", "ada@example.org", "--role", "learner")
		run(exitFailed, "reset", "--email", "nobody@example.org")
		run(exitUsage, "role", "--email", "ada@example.org")
		run(exitUsage, "role", "--email", "ada@example.org", "--grant", "learner", "--withdraw", "learner")
	})
}
