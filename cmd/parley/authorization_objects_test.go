package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"parley/events"
	"parley/events/jetstream"
)

// crossing is a way in to something that is no session: whose it is not must not
// even tell it from one that never was. {object} stands for it in the path.
type crossing struct {
	method, path string
	body         func(object string) any // nil: none
	objects      map[string]string       // live, missing and, where there is one, erased
	access       string
	rightful     string // who may; empty: nobody, along this path
	ok, refused  int
	there        func() bool // the live object, as it was made
	stays        bool        // the rightful call leaves it so
}

// way is the name in the table of ways.
func (c crossing) way() string { return c.method + " " + c.path }

// foreignWays are those that TestForeignObjects crosses.
var foreignWays = []string{
	"DELETE /api/me/browsers/{browser}",
	"PUT /api/me/credentials/{credential}", "DELETE /api/me/credentials/{credential}",
	"DELETE /api/invitations/{account}",
	"PUT /api/accounts/{account}/roles/{role}", "DELETE /api/accounts/{account}/roles/{role}",
	"POST /api/sessions",
	"POST /api/sessions/{id}/upload/{upload}/complete", "PUT /api/sessions/{id}/upload/{upload}/{n}",
}

// TestForeignObjects crosses what belongs to somebody with everybody.
func TestForeignObjects(t *testing.T) {
	w := newWorld(t)
	crossings := w.crossings(t)
	for i, c := range crossings {
		if len(crossings) != len(foreignWays) || c.way() != foreignWays[i] {
			t.Fatalf("%s is not where the list has it", c.way())
		}
		t.Run(c.way(), func(t *testing.T) { w.crossObject(t, c) })
	}
	w.p.stop()
}

func (w *world) crossObject(t *testing.T, c crossing) {
	ask := func(caller, object string) answer {
		var body any
		if c.body != nil {
			body = c.body(c.objects[object])
		}
		return w.who[caller].do(c.method, w.filled(c, object), body)
	}
	for _, caller := range callers {
		refusals := map[string]bool{} // all alike, or one can tell another's from what never was
		for object := range c.objects {
			if caller == c.rightful && object == live {
				continue
			}
			want := c.refused
			switch {
			case caller == nobody:
				want = http.StatusUnauthorized
			case !slices.Contains(may[c.access], caller):
				want = http.StatusForbidden
			}
			a := ask(caller, object)
			if a.status != want {
				t.Errorf("%s, %s: got %s, want %d", caller, object, a, want)
			}
			if refusals[string(a.raw)] = true; len(refusals) > 1 {
				t.Errorf("%s can tell another's from what never was: %v", caller, refusals)
			}
		}
	}
	if !c.there() {
		t.Fatal("somebody whose it is not has changed it")
	}
	if c.rightful == "" {
		return
	}
	if a := ask(c.rightful, live); a.status != c.ok {
		t.Errorf("%s: got %s, want %d", c.rightful, a, c.ok)
	}
	if c.there() != c.stays {
		t.Errorf("after the rightful call it is there: %v", !c.stays)
	}
}

// filled is a crossing's path for an object; other names in it are as everywhere.
func (w *world) filled(c crossing, object string) string {
	id := c.objects[object]
	return strings.NewReplacer("{browser}", id, "{credential}", id, "{account}", id, "{upload}", id, "{id}", w.others, "{n}", "1", "{role}", "analyst").Replace(c.path)
}

// crossings are in an order in which each leaves the next one what it needs.
func (w *world) crossings(t *testing.T) []crossing {
	return slices.Concat(w.ofBrowsers(t), w.ofCredentials(t), w.ofInvitations(t), w.ofAccounts(t), w.ofTopics(t), w.ofUploads(t))
}

func (w *world) ofBrowsers(t *testing.T) []crossing {
	second := signIn(t, w.p.base, mailOfOwner)
	var id string
	for _, b := range second.must(http.StatusOK, "GET", "/api/me/browsers", nil).json["browsers"].([]any) {
		if browser := b.(map[string]any); browser["this"] == true {
			id = browser["id"].(string)
		}
	}
	return []crossing{{
		method: "DELETE", path: "/api/me/browsers/{browser}", access: "signed_in", rightful: owner, ok: 204, refused: 204,
		objects: map[string]string{live: id, missing: newID()},
		there:   func() bool { return second.do("GET", "/api/me", nil).status == http.StatusOK },
	}}
}

// ofCredentials gives the owner passkeys: a password's id is everybody's own.
func (w *world) ofCredentials(t *testing.T) []crossing {
	lea, kept, removed := w.idOf(owner), newID(), newID()
	w.p.inTheLog(t, func(ctx context.Context, log *jetstream.Log) error {
		_, err := events.Execute(ctx, log, lea.Aggregate(), events.NewAccount(lea), stampOf("test"), func(a *events.Account) (all []events.Event, _ error) {
			for _, id := range []string{kept, removed} {
				all = append(all, events.Draft(&events.AccountCredentialAdded{Method: events.ByPasskey, Credential: events.CredentialID(id),
					Private: events.Credential{Name: "desk", Passkey: &events.Passkey{ID: []byte(id)}}})...)
			}
			return append(all, events.Draft(&events.AccountCredentialRemoved{Credential: events.CredentialID(removed)})...), nil
		})
		return err
	})
	objects := map[string]string{live: kept, missing: newID(), erased: removed}
	called := func(name string) func() bool {
		return func() bool {
			for _, c := range w.who[owner].must(http.StatusOK, "GET", "/api/me/credentials", nil).json["credentials"].([]any) {
				if c := c.(map[string]any); c["id"] == kept {
					return c["name"] == name
				}
			}
			return false
		}
	}
	path := "/api/me/credentials/{credential}"
	rename := func(string) any { return map[string]string{"name": "sofa"} }
	return []crossing{
		{method: "PUT", path: path, body: rename, objects: objects, access: "signed_in", rightful: owner, ok: 204, refused: 404, there: called("desk")},
		{method: "DELETE", path: path, objects: objects, access: "signed_in", rightful: owner, ok: 204, refused: 404, there: called("sofa")},
	}
}

// ofInvitations are not for the invited, nor for an account that is somebody's.
func (w *world) ofInvitations(t *testing.T) []crossing {
	olga := w.who[operates]
	invite := func(email string) string {
		return olga.must(http.StatusCreated, "POST", "/api/invitations", map[string]any{"email": email, "roles": []string{"learner"}}).text("account")
	}
	open, withdrawn := invite("ina@example.org"), invite("ida@example.org")
	olga.must(http.StatusNoContent, "DELETE", "/api/invitations/"+withdrawn, nil)
	return []crossing{{
		method: "DELETE", path: "/api/invitations/{account}", access: "operator", rightful: operates, ok: 204, refused: 404,
		objects: map[string]string{live: open, missing: newID(), erased: withdrawn, "an account": string(w.idOf(owner))},
		there: func() bool {
			return strings.Contains(string(olga.must(http.StatusOK, "GET", "/api/invitations", nil).raw), open)
		},
	}}
}

func (w *world) ofAccounts(t *testing.T) []crossing {
	addAccount(t, w.p.dir, "eva@example.org", "learner")
	eva := signIn(t, w.p.base, "eva@example.org").must(http.StatusOK, "GET", "/api/me", nil).text("account", "id")
	if _, errs, code := invoke(t, "", "erase", "--account", eva, "--data", w.p.dir, "--yes"); code != exitOK {
		t.Fatal(errs)
	}
	invited := w.who[operates].must(http.StatusCreated, "POST", "/api/invitations", map[string]any{"email": "isa@example.org", "roles": []string{"learner"}}).text("account")
	objects := map[string]string{live: string(w.idOf(owner)), missing: newID(), erased: eva, "invited": invited}
	isAnalyst := func(yes bool) func() bool {
		return func() bool {
			roles := w.who[owner].must(http.StatusOK, "GET", "/api/me", nil).json["account"].(map[string]any)["roles"].([]any)
			return slices.Contains(roles, any("analyst")) == yes
		}
	}
	path := "/api/accounts/{account}/roles/{role}"
	return []crossing{
		{method: "PUT", path: path, objects: objects, access: "operator", rightful: operates, ok: 200, refused: 404, there: isAnalyst(false)},
		{method: "DELETE", path: path, objects: objects, access: "operator", rightful: operates, ok: 200, refused: 404, there: isAnalyst(true)},
	}
}

// ofTopics practises the owner's own topic.
func (w *world) ofTopics(*testing.T) []crossing {
	lea := w.who[owner]
	own := lea.must(http.StatusCreated, "POST", "/api/topics", map[string]any{"title": "My divorce", "language": "en-US", "level": "B1"}).text("id")
	return []crossing{{
		method: "POST", path: "/api/sessions", access: "learner", rightful: owner, ok: 201, refused: 404, stays: true,
		body:    func(topic string) any { return map[string]string{"topic_id": topic} },
		objects: map[string]string{live: own, missing: newID()},
		there: func() bool {
			return strings.Contains(string(lea.must(http.StatusOK, "GET", "/api/topics", nil).raw), own)
		},
	}}
}

// ofUploads reaches for the owner's upload through a session of another's own.
func (w *world) ofUploads(*testing.T) []crossing {
	w.others = w.who[other].silentSession().id
	objects := map[string]string{live: w.upload, missing: newID()}
	saved := func() bool {
		return w.who[owner].must(http.StatusOK, "GET", "/api/sessions/"+w.objects[live], nil).text("status") == "saved"
	}
	path := "/api/sessions/{id}/upload/{upload}/"
	return []crossing{
		{method: "POST", path: path + "complete", objects: objects, access: "owner", refused: 404, there: saved},
		{method: "PUT", path: path + "{n}", body: func(string) any { return w.recording }, objects: objects, access: "owner", refused: 404, there: saved},
	}
}

func (w *world) idOf(caller string) events.AccountID {
	return events.AccountID(w.who[caller].must(http.StatusOK, "GET", "/api/me", nil).text("account", "id"))
}
