package http

import (
	"bytes"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// pages serves the built page. Hashed assets may be kept for ever, the rest is
// asked for again; a path that is no file is the page itself, whose router
// reads the address. Precompressed neighbours (.br, .gz) are preferred.
func pages(files fs.FS, started time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		if info, err := fs.Stat(files, name); name == "" || err != nil || info.IsDir() {
			if strings.HasPrefix(name, "assets/") {
				http.NotFound(w, r)
				return
			}
			name = "index.html"
		}
		w.Header().Set("Cache-Control", cacheFor(name))
		w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
		w.Header().Set("Vary", "Accept-Encoding")
		servedName := name
		for _, c := range []struct{ coding, suffix string }{{"br", ".br"}, {"gzip", ".gz"}} {
			if _, err := fs.Stat(files, name+c.suffix); err == nil && accepts(r, c.coding) {
				w.Header().Set("Content-Encoding", c.coding)
				servedName = name + c.suffix
				break
			}
		}
		content, err := fs.ReadFile(files, servedName)
		if err != nil {
			writeProblem(w, newProblem(http.StatusNotFound, "not_found", "the page is not in this build; run make build"))
			return
		}
		http.ServeContent(w, r, name, started, bytes.NewReader(content))
	})
}

func cacheFor(name string) string {
	if strings.HasPrefix(name, "assets/") {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}

func accepts(r *http.Request, coding string) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == coding {
			return true
		}
	}
	return false
}
