package http

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"parley/events"
)

func (s *Server) levelsRoute(r chi.Router) {
	s.raw(r, toOwner, http.MethodGet, "/api/sessions/{id}/levels", "levels",
		"How loud the recording is: \"PLV1\", channels, values a second, two zero bytes, then a byte a value and channel, 0 silence, 255 full scale, a quarter of a decibel a step; 204 until they are made", s.levels)
}

// levels are there some time after the audio, or never for MP4: until then there is no
// content, which is no failure of whoever asks. Errors: CodeNotFound, of the session.
func (s *Server) levels(w http.ResponseWriter, r *http.Request) error {
	id, err := events.ParseID[events.SessionID](chi.URLParam(r, "id"))
	if err != nil {
		return noSession(err)
	}
	session, _, err := s.onSession(r.Context(), id, func(*events.Session) ([]events.Event, error) { return nil, nil })
	if err != nil {
		return err
	}
	if session.Measured == nil {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	object, err := s.doors.Store.Open(r.Context(), session.Measured.Object)
	if err != nil {
		return err
	}
	defer object.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, object)
	return nil
}
