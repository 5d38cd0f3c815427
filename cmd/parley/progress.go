package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// onTerminal tells whether a person is at that end.
func onTerminal(end any) bool {
	file, is := end.(*os.File)
	return is && term.IsTerminal(int(file.Fd()))
}

// progress shows how far a long command is: a bar on a terminal, nothing elsewhere.
type progress struct {
	w     io.Writer // nil: nobody looks
	what  string
	began time.Time
	shown time.Time
}

// progress begins to show; results go to the other end, so the bar is never in them.
func (t terminal) progress(what string) *progress {
	p := &progress{what: what, began: time.Now()}
	if onTerminal(t.err) {
		p.w = t.err
	}
	return p
}

const (
	barWidth = 30
	barEvery = 100 * time.Millisecond // a terminal need not show more
)

// at shows that so much of all is done.
func (p *progress) at(done, all uint64) {
	now := time.Now()
	if p.w == nil || all == 0 || now.Sub(p.shown) < barEvery && done < all {
		return
	}
	p.shown = now
	fmt.Fprint(p.w, "\r"+bar(p.what, done, all, now.Sub(p.began))+"\x1b[K")
}

// end leaves the last bar standing, on a line of its own.
func (p *progress) end() {
	if p.w != nil && !p.shown.IsZero() {
		fmt.Fprintln(p.w)
	}
}

func bar(what string, done, all uint64, took time.Duration) string {
	done = min(done, all)
	full := int(done * barWidth / all)
	text := fmt.Sprintf("%s [%s%s] %d of %d", what, strings.Repeat("#", full), strings.Repeat(".", barWidth-full), done, all)
	if seconds := took.Seconds(); done > 0 && seconds >= 1 {
		rate := float64(done) / seconds
		left := time.Duration(float64(all-done) / rate * float64(time.Second))
		text += fmt.Sprintf(", %.0f/s, %s left", rate, left.Round(time.Second))
	}
	return text
}
