package http

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// How long a peer may keep us waiting. No deadline is a transfer's whole time:
// a recording over a bad network may take an hour, a live stream takes days.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	stallTimeout  = 30 * time.Second // without a byte, in either direction
	leastPace     = 512              // bytes a second that a body brings on average
	paceGrace     = 30 * time.Second // before that counts
	leftTimeout   = 5 * time.Second  // for the rest of a body that nobody wants
	pingTimeout   = 15 * time.Second // of an HTTP/2 connection that is silent
)

// maxHeaderBytes bounds a request's line and headers together; net/http adds
// 4 KiB for what it has read ahead.
const maxHeaderBytes = 32 << 10

// patient is a net/http server that waits for no peer without an end.
func patient(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler: paced(handler), MaxHeaderBytes: maxHeaderBytes,
		ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		WriteTimeout: stallTimeout, // until the handler runs; from there on paced sets it
		HTTP2:        &http.HTTP2Config{SendPingTimeout: stallTimeout, PingTimeout: pingTimeout, WriteByteTimeout: stallTimeout},
		ErrorLog:     slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

// paced sets the deadlines of one request by its progress, on the machine's
// clock, which is the sockets' own. Between a read or a write and the next
// there is none: HTTP/2 would end a quiet stream with it, and HTTP/1 take it
// for a browser that left.
func paced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		answer := &pacedWriter{ResponseWriter: w, control: control}
		body := &pacedBody{ReadCloser: r.Body, control: control, ended: r.Body == http.NoBody}
		if !body.ended {
			copied := *r
			copied.Body, r = body, &copied
		}
		if err := answer.deadline(time.Time{}); err != nil {
			return // the connection is gone already
		}
		next.ServeHTTP(answer, r)
		if answer.taken {
			return
		}
		body.leave()
		_ = answer.deadline(time.Now().Add(stallTimeout)) // of what is still buffered; net/http meets the same fault when it sends that
	})
}

// pacedWriter gives each write its own deadline.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	taken   bool // by a handler that speaks another protocol
}

func (w *pacedWriter) deadline(at time.Time) error {
	return supported(w.control.SetWriteDeadline(at))
}

// Write ends with os.ErrDeadlineExceeded when the peer stops reading.
func (w *pacedWriter) Write(p []byte) (n int, err error) {
	err = w.within(func() error {
		n, err = w.ResponseWriter.Write(p)
		return err
	})
	return n, err
}

// Flush sends what is buffered; who wants to know whether that worked calls
// FlushError, as http.ResponseController does.
func (w *pacedWriter) Flush() { _ = w.FlushError() }

// FlushError sends what is buffered.
func (w *pacedWriter) FlushError() error { return w.within(w.control.Flush) }

// Hijack hands over the connection, and its deadlines with it.
func (w *pacedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := w.control.Hijack()
	w.taken = w.taken || err == nil
	return conn, buffered, err
}

// Unwrap lets http.ResponseController reach what is beneath.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *pacedWriter) within(send func() error) error {
	if err := w.deadline(time.Now().Add(stallTimeout)); err != nil {
		return err
	}
	return errors.Join(send(), w.deadline(time.Time{}))
}

// pacedBody reads as long as bytes come, and not too few of them.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
	began   time.Time // the first read
	read    int64
	ended   bool
}

// Read ends with os.ErrDeadlineExceeded when the peer stalls or dawdles.
func (b *pacedBody) Read(p []byte) (int, error) {
	if b.ended {
		return b.ReadCloser.Read(p)
	}
	if err := supported(b.control.SetReadDeadline(b.deadline())); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if errors.Is(err, io.EOF) {
		b.ended = true
		if fault := supported(b.control.SetReadDeadline(time.Time{})); fault != nil {
			return n, fault
		}
	}
	return n, err
}

func (b *pacedBody) deadline() time.Time {
	now := time.Now()
	if b.began.IsZero() {
		b.began = now
	}
	stalled := now.Add(stallTimeout)
	tooSlow := b.began.Add(paceGrace + time.Duration(b.read)*time.Second/leastPace)
	if tooSlow.Before(stalled) {
		return tooSlow
	}
	return stalled
}

// leave bounds what net/http reads of a body after its handler.
func (b *pacedBody) leave() {
	if !b.ended {
		_ = b.control.SetReadDeadline(time.Now().Add(leftTimeout)) // a closed connection has nothing left to read
	}
}

// supported overlooks that recorders in tests have no socket.
func supported(err error) error {
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}
