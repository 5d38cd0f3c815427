package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"testing"
)

// endless makes bytes while they are read.
type endless struct {
	random *rand.ChaCha8
	left   int64
	looked int64
	look   func() // after every so many bytes
}

const oneLook = 16 << 20

func newEndless(size int64, look func()) *endless {
	return &endless{random: rand.NewChaCha8([32]byte{6}), left: size, looked: size, look: look}
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.random.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if e.looked-e.left >= oneLook {
		e.looked = e.left
		e.look()
	}
	return n, err
}

var liveHeap = regexp.MustCompile(`(?m)^go_gc_heap_live_bytes (\S+)$`)

// held is what the program, and the servers in its process, held when they last cleaned
// up.
func (b *browser) held() float64 {
	b.t.Helper()
	found := liveHeap.FindSubmatch(b.must(http.StatusOK, "GET", "/metrics", nil).raw)
	if found == nil {
		b.t.Fatal("no word of the heap")
	}
	bytes, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		b.t.Fatal(err)
	}
	return bytes
}

// A recording of 200 MB goes through the backend, with all checks, and is never held.
func TestUploadThroughTheBackendInConstantMemory(t *testing.T) {
	const size, mayHold = 200_000_000, 16e6
	sum := sha256.New()
	if _, err := io.Copy(sum, newEndless(size, func() {})); err != nil {
		t.Fatal(err)
	}
	p := start(t, t.TempDir())
	c := p.setUp(t).silentSession()
	a := c.must(http.StatusOK, "POST", c.path("/upload"), map[string]any{
		"size": size, "sha256": hex.EncodeToString(sum.Sum(nil)), "content_type": "audio/webm", "duration_ms": 0,
	})
	before, most := c.held(), 0.0
	body := newEndless(size, func() { most = max(most, c.held()) })
	request, err := c.request("PUT", c.path("/upload/"+a.text("upload_id")+"/1"), nil, "Content-Type", "audio/webm")
	if err != nil {
		t.Fatal(err)
	}
	request.Body, request.ContentLength = io.NopCloser(body), size
	response, err := c.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusNoContent {
		t.Fatalf("%s, %v", response.Status, err)
	}
	if most == 0 || most > before+mayHold {
		t.Errorf("the program held %.0f bytes before, and up to %.0f", before, most)
	}
	p.stop()
}
