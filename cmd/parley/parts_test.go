package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const pieceSize = 8 << 20

// long is a recording of more than ten mebibytes: what follows its sound is dropped.
func long(t *testing.T) []byte { return append(sample(t), make([]byte, 11<<20)...) }

// announceParts tells the checksum of every piece, too.
func (c *conversation) announceParts(file []byte) (done []bool) {
	c.t.Helper()
	var sums []string
	for piece := range slices.Chunk(file, pieceSize) {
		sum := sha256.Sum256(piece)
		sums = append(sums, hex.EncodeToString(sum[:]))
	}
	whole := sha256.Sum256(file)
	a := c.must(http.StatusOK, "POST", c.path("/upload"), map[string]any{
		"size": len(file), "sha256": hex.EncodeToString(whole[:]), "content_type": "audio/webm;codecs=opus", "duration_ms": 5000, "part_sha256": sums,
	})
	c.upload, c.parts = a.text("upload_id"), a.json["parts"].([]any)
	for _, p := range c.parts {
		done = append(done, p.(map[string]any)["done"].(bool))
	}
	return done
}

// through puts a part by the backend.
func (c *conversation) through(n int, piece []byte) answer {
	sum := sha256.Sum256(piece)
	return c.do("PUT", c.path(fmt.Sprintf("/upload/%s/%d", c.upload, n)), piece,
		"Content-Type", "audio/webm;codecs=opus", "x-amz-checksum-sha256", base64.StdEncoding.EncodeToString(sum[:]))
}

func wantDone(t *testing.T, got []bool, want ...bool) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("parts done: %v, want %v", got, want)
	}
}

func TestUploadInParts(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	c := ada.startSession()
	c.token()
	c.report()
	c.end()
	file := long(t)
	first, second := file[:pieceSize], file[pieceSize:]

	sum := sha256.Sum256(file)
	told := map[string]any{"size": len(file), "sha256": hex.EncodeToString(sum[:]), "content_type": "audio/webm", "duration_ms": 5000}
	t.Run("needs the checksum of each part", func(t *testing.T) {
		few := maps.Clone(told)
		few["part_sha256"] = []string{hex.EncodeToString(sum[:])}
		c.refuse(http.StatusUnprocessableEntity, "invalid", "POST", c.path("/upload"), few)
	})
	t.Run("comes whole where none is told", func(t *testing.T) {
		whole := ada.silentSession()
		a := whole.must(http.StatusOK, "POST", whole.path("/upload"), told)
		whole.upload, whole.parts = a.text("upload_id"), a.json["parts"].([]any)
		if len(whole.parts) != 1 {
			t.Fatalf("%d parts", len(whole.parts))
		}
		if a := whole.do("PUT", whole.path(fmt.Sprintf("/upload/%s/1", whole.upload)), file, "Content-Type", "audio/webm"); a.status != http.StatusNoContent {
			t.Fatalf("through the backend: %s", a)
		}
		if a := whole.complete(); a.status != http.StatusOK {
			t.Errorf("complete: %s", a)
		}
	})
	t.Run("goes on with what is missing, after a kill too", func(*testing.T) {
		wantDone(t, c.announceParts(file), false, false)
		if a := c.put(first); a.status != http.StatusOK {
			t.Fatalf("signed part: %s", a)
		}
		wantDone(t, c.announceParts(file), true, false)
		p.kill()
		p = start(t, p.dir)
		c.base, c.cookie = p.base, rename(c.cookie, p.base)
		wantDone(t, c.announceParts(file), true, false)
	})
	t.Run("is not complete while a part is missing", func(t *testing.T) {
		if a := c.complete(); a.status != http.StatusConflict || !strings.Contains(a.text("detail"), "parts 2") {
			t.Errorf("complete: %s", a)
		}
	})
	t.Run("is checked by the backend as by the store", func(t *testing.T) {
		other := append(slices.Clone(second[:len(second)-1]), 1)
		for _, when := range []struct {
			n      int
			body   []byte
			status int
		}{
			{2, second[1:], http.StatusUnprocessableEntity},
			{2, append(slices.Clone(second), 0), http.StatusRequestEntityTooLarge},
			{3, second, http.StatusNotFound},
			{0, second, http.StatusNotFound},
			{2, other, http.StatusNoContent}, // its own checksum is right; asked again, it is not the part
		} {
			if a := c.through(when.n, when.body); a.status != when.status {
				t.Errorf("part %d of %d bytes: %s", when.n, len(when.body), a)
			}
		}
		wantDone(t, c.announceParts(file), true, false)
		if a := c.through(2, second); a.status != http.StatusNoContent {
			t.Errorf("part 2: %s", a)
		}
	})
	t.Run("is completed once, however often it is said", func(t *testing.T) {
		for range 2 {
			if a := c.complete(); a.status != http.StatusOK {
				t.Fatalf("complete: %s", a)
			}
		}
		c.saved()
		wantAudio(t, c)
		out, _, _ := invoke(t, "", "replay", "--data", p.dir, "--json", c.id)
		if strings.Count(out, "upload_completed") != 1 || !strings.Contains(out, "dropped_bytes=11534336") {
			t.Errorf("%s", out)
		}
	})
	p.stop()
}
