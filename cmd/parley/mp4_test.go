package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What a browser without WebM records goes the whole line: signed request, store,
// finalizer, and playback by ranges of the very bytes. It was cut in places as a page's
// death cuts; of what lost a slice in its middle the whole fragments are left.
func TestMP4Line(t *testing.T) {
	fixture := func(name string) []byte {
		file, err := os.ReadFile(filepath.Join("..", "..", "projections", "recording", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	file, movable := fixture("ffmpeg-aac-stereo-5s-fragments.mp4"), fixture("ffmpeg-aac-stereo-5s-relative.mp4")
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	const firstFragment, fourFragments = 4219, 14413 // where they end
	const second, third, index = 4645, 8335, 19746   // where those of the other file begin
	for _, given := range []struct {
		name     string
		file     []byte
		kept     []byte
		claimed  int
		ms       float64
		repaired string
	}{
		{"whole", file, file, 5000, 5023, "[]"},
		{"of one fragment", file[:firstFragment], file[:firstFragment], 1000, 1021, "[]"},
		{"cut in its last fragment", file[:len(file)-1500], file[:len(file)-1500], 5000, 4574, "[missing_bytes=1357]"},
		{"without its last fragment", file[:fourFragments], file[:fourFragments], 5000, 4086, "[]"},
		{
			"without a slice of its second fragment", slices.Concat(movable[:second+1000], movable[second+2000:]),
			slices.Concat(movable[:second], movable[third:index]), 5000, 5023, "[dropped_bytes=2833 gaps=1 missing_ms=1021]",
		},
	} {
		t.Run(given.name, func(t *testing.T) {
			c := ada.silentSession()
			c.end()
			c.announceAs(given.file, "audio/mp4", given.claimed)
			if a := c.put(given.file); a.status != http.StatusOK {
				t.Fatalf("upload: %s", a)
			}
			if a := c.complete(); a.status != http.StatusOK {
				t.Fatalf("complete: %s", a)
			}
			c.saved()
			audio := c.must(http.StatusOK, "GET", c.path(""), nil).json["audio"].(map[string]any)
			if audio["duration_ms"] != given.ms || fmt.Sprint(audio["repaired"]) != given.repaired {
				t.Errorf("audio = %v", audio)
			}
			part := c.must(http.StatusPartialContent, "GET", c.path("/audio"), nil, "Range", "bytes=1000-1999")
			if part.header.Get("Content-Type") != "audio/mp4" || part.header.Get("Content-Range") != fmt.Sprintf("bytes 1000-1999/%d", len(given.kept)) || !bytes.Equal(part.raw, given.kept[1000:2000]) {
				t.Errorf("a part: %v", part.header)
			}
			if whole := c.must(http.StatusOK, "GET", c.path("/audio"), nil); !bytes.Equal(whole.raw, given.kept) {
				t.Error("the bytes changed")
			}
		})
	}
	t.Run("without any sound is refused", func(t *testing.T) {
		c := ada.silentSession()
		c.end()
		c.announceAs(file[:1017], "audio/mp4", 0)
		c.put(file[:1017])
		changed := c.watch()
		c.complete()
		c.until("refused", changed, func() bool { return c.status() == "needs_attention" })
		if a := c.must(http.StatusOK, "GET", c.path(""), nil); a.text("reason") != "no_sound" {
			t.Errorf("%s", a)
		}
	})
	p.stop()
}
