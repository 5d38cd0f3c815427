package http

import (
	"context"
	"net/http"
	"testing"
	"time"

	"parley/events"
)

const meURL, receiptURL = "/api/me", "/api/receipt"

func TestEraseMe(t *testing.T) {
	d := newDesk(t)
	ana := d.registered("ana@example.org", events.RoleLearner)
	here, there := d.visitor("192.0.2.1"), d.visitor("192.0.2.2")
	here.signIn(http.StatusOK, "ana@example.org", herPassword)
	there.signIn(http.StatusOK, "ana@example.org", herPassword)
	d.Clock.Advance(freshSignIn)
	t.Run("a browser that was left open does not erase its owner's account", func(t *testing.T) {
		here.want(http.StatusForbidden, http.MethodDelete, meURL, nil)
		here.want(http.StatusForbidden, http.MethodDelete, meURL, map[string]string{"password": "not " + herPassword})
		here.want(http.StatusOK, http.MethodGet, meURL, nil)
	})
	erased := here.want(http.StatusAccepted, http.MethodDelete, meURL, map[string]string{"password": herPassword})
	receipt := map[string]any{"receipt": erased.body["receipt"]}

	t.Run("nobody is signed in any more, nor can sign in", func(t *testing.T) {
		here.want(http.StatusUnauthorized, http.MethodGet, meURL, nil)
		there.want(http.StatusUnauthorized, http.MethodGet, meURL, nil)
		there.signIn(http.StatusUnauthorized, "ana@example.org", herPassword)
	})
	t.Run("the receipt opens for who holds it", func(t *testing.T) {
		a := there.want(http.StatusOK, http.MethodPost, receiptURL, receipt)
		if a.body["requested_at"] == nil || a.body["unreadable_at"] != nil || a.body["swept_at"] != nil {
			t.Errorf("%v", a.body)
		}
		for _, wrong := range []string{"", ".", string(ana), string(ana) + ".", string(ana) + ".x", "01ARZ3NDEKTSV4RRFFQ69G5FAV.x"} {
			there.want(http.StatusNotFound, http.MethodPost, receiptURL, map[string]string{"receipt": wrong})
		}
	})
	t.Run("it says at the end what was removed, and what was not", func(t *testing.T) {
		request := d.Load(t, ana.Aggregate())
		hash := request[len(request)-1].Body.(*events.AccountDeleteRequested).Receipt
		at := d.Clock.Now()
		d.Append(t, ana.Aggregate(), &events.AccountErased{Events: 4, Sessions: 2, Topics: 1, Claims: 1, Objects: 3, UnreadableAt: at, SweptAt: &at, RequestedAt: &at, Receipt: hash,
			Copies: []events.Copy{{Stream: "MIRROR", Kind: events.CopyMirror, Removed: 4}, {Stream: "OLD", Kind: events.CopySource, Left: "deny_delete"}}})
		a := there.want(http.StatusOK, http.MethodPost, receiptURL, receipt)
		if a.body["swept_at"] == nil || len(a.body["removed"].([]any)) != 7 || len(a.body["left"].([]any)) != 1 {
			t.Errorf("%v", a.body)
		}
	})
}

func TestEraseMeWithoutPassword(t *testing.T) {
	d := newDesk(t)
	d.registered("ana@example.org")
	here := d.visitor("192.0.2.1")
	here.signIn(http.StatusOK, "ana@example.org", herPassword)
	d.Clock.Advance(freshSignIn - time.Minute)
	here.want(http.StatusAccepted, http.MethodDelete, meURL, nil)
}

// Reads are closed by the request itself, whatever becomes of the sign-ins.
func TestClosedAccount(t *testing.T) {
	d := newDesk(t)
	ana := d.registered("ana@example.org", events.RoleLearner)
	here := d.visitor("192.0.2.1")
	here.signIn(http.StatusOK, "ana@example.org", herPassword)
	late := events.SessionID(d.IDs.ULID())
	d.Append(t, late.Aggregate(), &events.SessionStarted{Learner: ana})
	ctx := context.WithValue(t.Context(), callerKey{}, events.SignIn{Account: ana})
	if err := d.door.begunInTime(ctx, late); err != nil {
		t.Fatal(err)
	}
	d.Append(t, ana.Aggregate(), &events.AccountDeleteRequested{})

	for _, path := range []string{meURL, "/api/sessions", "/api/topics", "/api/live", "/api/sessions/" + string(late), "/api/sessions/" + string(late) + "/audio"} {
		here.want(http.StatusUnauthorized, http.MethodGet, path, nil)
	}
	t.Run("a session that was begun meanwhile goes too", func(t *testing.T) {
		if err := d.door.begunInTime(ctx, late); events.CodeOf(err) != events.CodeUnauthenticated {
			t.Errorf("got %v", err)
		}
		evs := d.Load(t, late.Aggregate())
		if _, asked := evs[len(evs)-1].Body.(*events.SessionDeleteRequested); !asked {
			t.Error("it stays")
		}
	})
}

func TestSessionReceipt(t *testing.T) {
	d := newDesk(t)
	ana := d.registered("ana@example.org", events.RoleLearner)
	d.registered("ben@example.org", events.RoleLearner)
	hers, his := d.visitor("192.0.2.1"), d.visitor("192.0.2.2")
	hers.signIn(http.StatusOK, "ana@example.org", herPassword)
	his.signIn(http.StatusOK, "ben@example.org", herPassword)
	id := events.SessionID(d.IDs.ULID())
	url := "/api/sessions/" + string(id) + "/receipt"
	d.Append(t, id.Aggregate(), &events.SessionStarted{Learner: ana})
	hers.want(http.StatusNotFound, http.MethodGet, url, nil)

	d.Append(t, id.Aggregate(), &events.SessionDeleteRequested{By: ana})
	t.Run("says first that it was asked for", func(t *testing.T) {
		a := hers.want(http.StatusOK, http.MethodGet, url, nil)
		if a.body["requested_at"] == nil || a.body["unreadable_at"] != nil {
			t.Errorf("%v", a.body)
		}
		his.want(http.StatusNotFound, http.MethodGet, url, nil)
	})
	key, err := d.Vault.Keyed(t.Context(), events.OwnerKey)
	if err != nil {
		t.Fatal(err)
	}
	at := d.Clock.Now()
	tombstone := events.SessionErased{Positions: events.NumbersOf(1), Events: 2, Objects: 2, UnreadableAt: at, RequestedAt: &at, Owner: events.OwnerOf(key, id, ana)}
	d.Append(t, id.Aggregate(), &tombstone)
	for _, e := range d.Load(t, id.Aggregate())[:2] {
		if err := d.Log.SecureDelete(t.Context(), e.Position); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("is the learner's when only the tombstone is left", func(t *testing.T) {
		a := hers.want(http.StatusOK, http.MethodGet, url, nil)
		if a.body["requested_at"] == nil || a.body["unreadable_at"] == nil || a.body["swept_at"] != nil || len(a.body["removed"].([]any)) != 2 {
			t.Errorf("%v", a.body)
		}
		his.want(http.StatusNotFound, http.MethodGet, url, nil)
	})
	t.Run("counts the events once they are swept", func(t *testing.T) {
		tombstone.SweptAt = &at
		d.Append(t, id.Aggregate(), &tombstone)
		if a := hers.want(http.StatusOK, http.MethodGet, url, nil); a.body["swept_at"] == nil || len(a.body["removed"].([]any)) != 3 {
			t.Errorf("%v", a.body)
		}
	})
}
