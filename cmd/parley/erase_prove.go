package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"parley/cmd/parley/embedded"
	"parley/events"
	"parley/events/jetstream"
)

// leastMarker is the shortest phrase that means something when it is found, in
// characters.
const leastMarker = 8

// sealedForm begins the names of what --keep-sealed wrote.
const sealedForm = "sealed bytes"

// errFound ends a search that found something.
var errFound = errors.New("it is there")

// errMissed ends a search that found nothing, and could not look everywhere.
var errMissed = errors.New("not everything could be searched")

// proof is what a search for a session's words came to.
type proof struct {
	Session events.SessionID `json:"session"`
	Status  string           `json:"status"` // of the session, when it was looked for
	searched
	// Lingering are sealed bytes in the read models: without a key they say nothing,
	// and PostgreSQL overwrites them when it uses their room again.
	Lingering []sighting `json:"lingering"`
}

// prove looks for a phrase that was said in a session, and for its sealed bytes if
// they were kept, in every file of the data folder.
func prove(ctx context.Context, t terminal, f eraseFlags) error {
	id, err := events.ParseID[events.SessionID](f.about)
	if err != nil {
		return err
	}
	var markers []marker
	if f.markerStdin {
		phrase, err := readMarker(t.in)
		if err != nil {
			return err
		}
		markers = append(markers, phrase)
	}
	kept, err := readSealed(f.sealed)
	if err != nil {
		return err
	}
	if markers = append(markers, kept...); len(markers) == 0 {
		return misused("say what to look for: --marker-stdin, or --sealed FILE")
	}
	config, err := readConfig(t.environ)
	if err != nil {
		return err
	}
	absent, err := serversElsewhere(config, f.data)
	if err != nil {
		return err
	}
	found := proof{Session: id, Status: statusInLog(ctx, t, f.data, id)}
	if found.searched, err = searchFolder(ctx, os.DirFS(f.data), together(markers)); err != nil {
		return err
	}
	found.sort()
	found.Missed = append(found.Missed, absent...)
	found.Unsearched = append(found.Unsearched, unseen...)
	return found.print(t, f.asJSON)
}

// serversElsewhere names those whose files are not in the data folder: by what its last
// start used, and by this command's environment.
func serversElsewhere(config Config, data string) (absent []string, err error) {
	names, err := embedded.Elsewhere(data)
	if err != nil {
		return nil, err
	}
	at := elsewhere(config)
	for _, server := range []struct {
		name, called string
		configured   bool
	}{{"nats", "the event log's server", at.NATS != nil}, {"postgres", "PostgreSQL", at.Postgres != nil}, {"s3", "the object store", at.S3 != nil}} {
		if server.configured || slices.Contains(names, server.name) {
			absent = append(absent, server.called+": its files are not in this folder; search them where they are")
		}
	}
	return absent, nil
}

// sort sets apart what may be where it is.
func (p *proof) sort() {
	p.Lingering = []sighting{}
	p.Found = slices.DeleteFunc(p.Found, func(s sighting) bool {
		lingers := strings.HasPrefix(s.Form, sealedForm) && strings.HasPrefix(s.File, "postgres/")
		if lingers {
			p.Lingering = append(p.Lingering, s)
		}
		return lingers
	})
}

// readMarker takes the phrase from standard input, so that it is in no list of
// processes and in no shell's history.
func readMarker(in io.Reader) (marker, error) {
	text, err := io.ReadAll(io.LimitReader(in, 1<<16))
	if err != nil {
		return marker{}, err
	}
	phrase := strings.TrimRight(string(text), "\r\n")
	if !utf8.ValidString(phrase) || utf8.RuneCountInString(phrase) < leastMarker {
		return marker{}, events.Errorf(events.CodeInvalid, "give a phrase of at least %d characters: a shorter one is found by chance", leastMarker)
	}
	return markerOf(phrase)
}

// statusInLog says what the log knows of the session, or why that is not known: files
// are searched also when nothing runs.
func statusInLog(ctx context.Context, t terminal, data string, id events.SessionID) string {
	status := "never was, or the log is another"
	evs, err := loadSession(ctx, t, data, id)
	if err != nil {
		return "not known: " + sentence(err)
	}
	session := events.NewSession(id)
	for _, e := range evs {
		session.Evolve(e)
	}
	switch {
	case session.Erased != nil && session.Erased.Swept():
		status = "erased and swept"
	case session.Erased != nil:
		status = "erased: unreadable, not swept yet"
	case session.Deleted != nil:
		status = beingErased
	case session.Exists():
		status = "not deleted"
	}
	return status
}

// unseen is what this machine's files do not show.
var unseen = []string{
	"recordings: what is heard in them is not text",
	"values of more than 2 kB that PostgreSQL compressed; what is sealed does not compress",
	"swap, memory and blocks of the disk that no file holds any more",
	"backups, snapshots and copies of this folder elsewhere",
}

func (p proof) print(t terminal, asJSON bool) error {
	var err error
	if asJSON {
		err = json.NewEncoder(t.out).Encode(p)
	} else {
		err = p.write(t.out)
	}
	switch {
	case err != nil:
		return err
	case len(p.Found) > 0:
		return errFound
	case len(p.Missed) > 0:
		return errMissed
	}
	return nil
}

func (p proof) write(w io.Writer) error {
	fmt.Fprintf(w, "session %s: %s\nsearched %d files\n", p.Session, p.Status, p.Files)
	for _, s := range p.Found {
		fmt.Fprintf(w, "  found as %s in %s at byte %d\n", s.Form, s.File, s.Offset)
	}
	if len(p.Found) == 0 {
		fmt.Fprintln(w, "  it is in none of them")
	}
	if len(p.Lingering) > 0 {
		fmt.Fprintf(w, "  sealed bytes linger at %d places in PostgreSQL's files: without a key they say nothing\n", len(p.Lingering))
	}
	if len(p.Missed) > 0 {
		fmt.Fprintln(w, "could not be searched, so that this proves nothing of:")
	}
	for _, what := range p.Missed {
		fmt.Fprintln(w, "  "+what)
	}
	fmt.Fprintln(w, "no search of files shows:")
	for _, what := range p.Unsearched {
		fmt.Fprintln(w, "  "+what)
	}
	return nil
}

// keepSealed writes the sealed bytes of a session to a file, one event a line, to be
// looked for after its erasure. They say nothing without its key.
func keepSealed(ctx context.Context, log *jetstream.Log, id events.SessionID, path string) (err error) {
	evs, err := log.Load(ctx, id.Aggregate(), 0)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for _, e := range evs {
		if e.Sealed == nil {
			continue
		}
		if _, err := fmt.Fprintln(file, base64.StdEncoding.EncodeToString(e.Sealed)); err != nil {
			return err
		}
	}
	return nil
}

func readSealed(path string) (markers []marker, err error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		sealed, err := base64.StdEncoding.DecodeString(lines.Text())
		if err != nil || len(sealed) < leastMarker {
			return nil, events.Errorf(events.CodeInvalid, "%s is no file that --keep-sealed wrote", path)
		}
		markers = append(markers, bytesMarker(fmt.Sprintf("%s %d", sealedForm, len(markers)+1), sealed))
	}
	return markers, lines.Err()
}
