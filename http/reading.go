package http

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"parley/events"
	"parley/projections"
)

// readingRoutes give a learner her own words and sound as files.
func (s *Server) readingRoutes(r chi.Router) {
	s.levelsRoute(r)
	s.raw(r, toOwner, http.MethodGet, "/api/sessions/{id}/audio", "audio", "The recording; takes Range", s.audio)
	for _, route := range []struct {
		path, name, summary string
		serve               func(http.ResponseWriter, *http.Request, projections.SessionView) error
	}{
		{"/api/sessions/{id}/transcript.json", "transcript-json", "The transcript as JSON", transcriptJSON},
		{"/api/sessions/{id}/transcript.vtt", "transcript-vtt", "The transcript as WebVTT", transcriptVTT},
		{"/api/sessions/{id}/transcript.txt", "transcript-txt", "The transcript as text", transcriptText},
	} {
		s.raw(r, toOwner, http.MethodGet, route.path, route.name, route.summary, func(w http.ResponseWriter, r *http.Request) error {
			view, err := s.viewed(r)
			if err != nil {
				return err
			}
			if r.Method == http.MethodGet {
				s.noteExport(r.Context(), route.name, view.ID)
			}
			return route.serve(w, r, view)
		})
	}
}

// asked is the session of an address, when readers see it as fresh as was wanted.
func (s *Server) asked(r *http.Request) (events.SessionID, error) {
	id, err := events.ParseID[events.SessionID](chi.URLParam(r, "id"))
	if err != nil {
		return "", noSession(err)
	}
	return id, s.fresh(r.Context(), r.URL.Query().Get("min_position"))
}

func (s *Server) viewed(r *http.Request) (projections.SessionView, error) {
	id, err := s.asked(r)
	if err != nil {
		return projections.SessionView{}, err
	}
	return s.openSession(r.Context(), id)
}

// audio plays through us, so that whose it is is asked for every range.
func (s *Server) audio(w http.ResponseWriter, r *http.Request) error {
	id, err := s.asked(r)
	if err != nil {
		return err
	}
	audio, err := s.doors.Views.Audio(r.Context(), caller(r.Context()), id)
	if err != nil {
		return err
	}
	if err := s.notDeleted(r.Context(), id); err != nil {
		return err
	}
	object, err := s.doors.Store.Open(r.Context(), audio.Object)
	if err != nil {
		return err
	}
	defer object.Close()
	w.Header().Set("Content-Type", audio.ContentType)
	w.Header().Set("ETag", `"`+audio.SHA256+`"`)
	http.ServeContent(w, r, "", time.Time{}, object)
	return nil
}

func attach(w http.ResponseWriter, view projections.SessionView, contentType, ending string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="parley-%s.%s"`, view.ID, ending))
}

func transcriptJSON(w http.ResponseWriter, _ *http.Request, view projections.SessionView) error {
	attach(w, view, "application/json", "json")
	writeJSON(w, sessionOf(view))
	return nil
}

// names of the speakers in files.
var speakerNames = map[events.Speaker]string{events.Learner: "Learner", events.Tutor: "Tutor"}

// worded is what a file says of a turn. A prompted line is never a quotation.
func worded(s projections.SegmentView) string {
	switch {
	case s.Status == events.Prompted:
		return "[line to say: " + s.Text + "]"
	case s.Text != "":
		return s.Text
	}
	return "[" + string(s.Status) + "]"
}

func transcriptText(w http.ResponseWriter, _ *http.Request, view projections.SessionView) error {
	attach(w, view, "text/plain; charset=utf-8", "txt")
	return writeText(w, view)
}

func writeText(w io.Writer, view projections.SessionView) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s\n%s\n\n", view.Topic.Text.Title, view.StartedAt.UTC().Format(time.RFC3339))
	for _, s := range view.Segments {
		at := ""
		if s.StartedMS != nil {
			at = "[" + clock(*s.StartedMS) + "] "
		}
		cut := ""
		if s.Interrupted {
			cut = " (interrupted)"
		}
		fmt.Fprintf(out, "%s%s: %s%s\n", at, speakerNames[s.Speaker], worded(s), cut)
	}
	return out.Flush()
}

// defaultCueMS is how long a turn without an end is shown.
const defaultCueMS = 3000

func transcriptVTT(w http.ResponseWriter, _ *http.Request, view projections.SessionView) error {
	attach(w, view, "text/vtt; charset=utf-8", "vtt")
	return writeVTT(w, view)
}

func writeVTT(w io.Writer, view projections.SessionView) error {
	out := bufio.NewWriter(w)
	fmt.Fprint(out, "WEBVTT\n")
	for _, s := range view.Segments {
		if s.StartedMS == nil {
			continue // without a time there is nowhere to show it
		}
		end := *s.StartedMS + defaultCueMS
		if s.EndedMS != nil {
			end = max(*s.EndedMS, *s.StartedMS+1)
		}
		fmt.Fprintf(out, "\n%s --> %s\n<v %s>%s\n", clock(*s.StartedMS), clock(end), speakerNames[s.Speaker], vttText(worded(s)))
	}
	return out.Flush()
}

// vttText keeps words from reading as markup or as the end of a cue (WebVTT,
// "cue text").
func vttText(text string) string {
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	return strings.Join(strings.Fields(escaped), " ")
}

// clock is hh:mm:ss.mmm.
func clock(ms int64) string {
	return fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}
