package main

import (
	"net/http"
	"strings"
	"testing"
)

// A session that one instance was asked to delete is read at no other from then on, also
// while nobody projects and nobody erases.
func TestDeletedElsewhere(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	deleted, kept := ada.recorded(t), ada.recorded(t)
	p.stop()
	p = startWith(t, p.dir, []string{"--roles", "web"})
	ada.base, ada.cookie = p.base, rename(ada.cookie, p.base)
	other := p.beside(t)
	there := newBrowser(t, other.base)
	there.cookie = rename(ada.cookie, other.base)
	paths := []string{"", "/audio", "/levels", "/transcript.json", "/transcript.txt", "/export"}
	for _, path := range paths {
		there.must(http.StatusOK, "GET", deleted.path(path), nil)
	}

	deleted.must(http.StatusAccepted, "DELETE", deleted.path(""), nil)

	for _, path := range paths {
		there.refuse(http.StatusNotFound, "not_found", "GET", deleted.path(path), nil)
		there.must(http.StatusOK, "GET", kept.path(path), nil)
	}
	for _, list := range []string{"/api/sessions", "/api/events?kind=session_started,audio_finalized"} {
		if a := there.must(http.StatusOK, "GET", list, nil); strings.Contains(string(a.raw), deleted.id) || !strings.Contains(string(a.raw), kept.id) {
			t.Errorf("%s: %s", list, a)
		}
	}
	other.stop()
	p.stop()
}
