package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/cmd/parley/embedded"
	"parley/http/realtime/partner"
	"parley/web"
)

// Values that are easy to find again.
const (
	apiKeyValue = "sk-recognizable-4uQ0zWm7"
	wrongSecret = "not-the-password-8Xw2"
	strayCookie = "stray-cookie-value-91Kd"
	phrase      = "marzipan croissants"
)

var masterKeyBytes = []byte("a-recognizable-master-key-32byte")

// TestSecretsStayWhereTheyBelong runs the whole line at the most talkative log
// level, provokes errors, and then looks for every secret where it must not be.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	provider := partnerElsewhere(t)
	p := start(t, t.TempDir(), "PARLEY_LOG_LEVEL=debug", "OPENAI_API_KEY="+apiKeyValue,
		"PARLEY_REALTIME_URL="+provider.URL+"/v1", "PARLEY_REALTIME_DIALECT=partner",
		"PARLEY_MASTER_KEY="+base64.StdEncoding.EncodeToString(masterKeyBytes))
	ada := p.setUp(t)
	live := ada.overhear()
	secrets := ada.talk(t)
	secrets["cookie of a known browser"] = ada.known(t)
	said := provoke(t, provider, p, ada)
	absent(t, "the export", ada.must(http.StatusOK, "GET", "/api/me/export", nil).raw, without(secrets, "transcript", "e-mail address")) // which are hers
	said["the contract"] = ada.must(http.StatusOK, "GET", "/openapi.json", nil).raw
	said["the messages on NATS"] = messages(t, p.dir)
	said["metrics"] = ada.must(http.StatusOK, "GET", "/metrics", nil).raw
	said["the analyst's stream"] = ada.must(http.StatusOK, "GET", "/api/events?limit=500", nil).raw
	said["the process's arguments"] = arguments(t, p.cmd.Process.Pid)
	maps.Copy(said, page(t, ada))
	servers := serverSecrets(t, p.dir)
	p.stop()
	said["the program's log"] = p.out.Bytes()
	if said["live updates"] = <-live; !bytes.Contains(said["live updates"], []byte(`"saved"`)) {
		t.Fatalf("live updates say nothing: the search cannot fail\n%s", said["live updates"])
	}

	for where, text := range said {
		absent(t, where, text, secrets)
		absent(t, where, text, servers)
	}
	if !bytes.Contains(said["the program's log"], []byte("level=INFO")) {
		t.Fatalf("the log says nothing: the search cannot fail\n%s", said["the program's log"])
	}
	t.Run("nor in any file", func(t *testing.T) { absentFromFiles(t, p.dir, secrets) })
}

// partnerElsewhere is a partner that wants the API key.
func partnerElsewhere(t *testing.T) *httptest.Server {
	t.Helper()
	p := partner.New(partner.Config{Key: apiKeyValue, Now: time.Now, Random: rand.Reader, Logger: slog.New(slog.DiscardHandler)})
	if err := p.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// talk is a conversation with a recording; it gives what must stay secret.
func (b *browser) talk(t *testing.T) map[string]string {
	t.Helper()
	c := b.startSession()
	token := c.token()
	c.report()
	c.end()
	recording := sample(t)
	c.announce(recording)
	signed, err := url.Parse(c.parts[0].(map[string]any)["url"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if a := c.put(recording); a.status != http.StatusOK {
		t.Fatalf("put: %s", a)
	}
	c.complete()
	c.saved()
	_, cookie, _ := strings.Cut(b.cookie, "=")
	found := map[string]string{
		"API key": apiKeyValue, "token": token.text("value"), "password": password, "cookie": cookie,
		"e-mail address": "ada@example.org",
		"wrong password": wrongSecret, "stray cookie": strayCookie, "transcript": phrase,
		"signature of an upload": signed.Query().Get("X-Amz-Signature"),
		"master key":             string(masterKeyBytes),
		"master key in base64":   base64.StdEncoding.EncodeToString(masterKeyBytes),
		"master key in hex":      hex.EncodeToString(masterKeyBytes),
	}
	for what, value := range found {
		if len(value) < 8 {
			t.Fatalf("the %s is not known: %q", what, value)
		}
	}
	return found
}

// provoke makes errors of every kind near the secrets; it gives what was
// answered.
func provoke(t *testing.T, provider *httptest.Server, p *program, ada *browser) map[string][]byte {
	t.Helper()
	open := ada.startSession()
	answers := map[string][]byte{}
	try := func(name string, b *browser, method, path string, body any, headers ...string) {
		a := b.do(method, path, body, headers...)
		if a.status < 400 {
			t.Errorf("%s: %s is no error", name, a)
		}
		answers["the answer to "+name] = a.raw
	}
	nobody := newBrowser(t, p.base)
	try("a wrong password", nobody, "POST", "/api/sign-in", map[string]string{"email": "ada@example.org", "password": wrongSecret})
	try("a password that is no text", nobody, "POST", "/api/sign-in", `{"email":"ada@example.org","password":["`+wrongSecret+`"]}`)
	try("a broken body", nobody, "POST", "/api/sign-in", `{"password":"`+wrongSecret)
	try("a stray cookie", nobody, "GET", "/api/me", nil, "Cookie", strings.SplitN(ada.cookie, "=", 2)[0]+"="+strayCookie)
	try("a search with a bad cursor", ada, "GET", "/api/sessions?cursor=7&q="+url.QueryEscape(phrase), nil)
	try("words where an id belongs", ada, "GET", "/api/sessions/"+url.PathEscape(phrase), nil)
	try("words where a number belongs", ada, "POST", open.path("/end"), map[string]any{"last_n": phrase})
	try("a topic without a language", ada, "POST", "/api/topics", map[string]any{"title": phrase})
	try("a part that nobody announced", ada, "PUT", open.path("/upload/01ARZ3NDEKTSV4RRFFQ69G5FAV/1"), []byte(phrase))
	try("a set-up with a used code", nobody, "POST", "/api/setup", map[string]string{"code": p.code, "email": "e@example.org", "password": wrongSecret})
	provider.Close()
	try("a provider that is gone", ada, "POST", open.path("/token"), nil)
	return answers
}

// page is every file of the page, as it is served: also what is loaded when somebody
// goes there.
func page(t *testing.T, b *browser) map[string][]byte {
	t.Helper()
	files := map[string][]byte{"the page": b.must(http.StatusOK, "GET", "/", nil).raw}
	err := fs.WalkDir(web.Dist(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || slices.Contains([]string{".br", ".gz"}, path.Ext(name)) {
			return err
		}
		files[name] = b.must(http.StatusOK, "GET", "/"+name, nil).raw
		return nil
	})
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files of the page, %v", len(files), err)
	}
	return files
}

// overhear keeps what the live updates say, until they end.
func (b *browser) overhear() <-chan []byte {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.base+"/api/live", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Cookie", b.cookie)
	response, err := (&http.Client{Transport: &http.Transport{}}).Do(r)
	if err != nil || response.StatusCode != http.StatusOK {
		b.t.Fatalf("live: %v %v", response, err)
	}
	all := make(chan []byte, 1)
	go func() {
		defer response.Body.Close()
		said, _ := io.ReadAll(response.Body) // the program's end cuts it short
		all <- said
	}()
	return all
}

// known is the cookie by which a browser is known, of another sign-in of Ada's.
func (b *browser) known(t *testing.T) string {
	t.Helper()
	a := newBrowser(t, b.base).must(http.StatusOK, "POST", "/api/sign-in", map[string]string{"email": "ada@example.org", "password": password})
	for _, set := range a.header.Values("Set-Cookie") {
		if pair, _, _ := strings.Cut(set, ";"); strings.Contains(pair, "_known=") {
			_, value, _ := strings.Cut(pair, "=")
			return value
		}
	}
	t.Fatalf("no browser is known: %v", a.header)
	return ""
}

// arguments are those of a process and of all below it.
func arguments(t *testing.T, pid int) []byte {
	t.Helper()
	children := map[int][]int{}
	lines := map[int][]byte{}
	found, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(found) == 0 {
		t.Fatalf("no process can be seen: %v", err)
	}
	for _, dir := range found {
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		line, err2 := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || err2 != nil {
			continue // it ended meanwhile
		}
		id, _ := strconv.Atoi(filepath.Base(dir))
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		parent, _ := strconv.Atoi(fields[1])
		children[parent], lines[id] = append(children[parent], id), line
	}
	var all []byte
	for next := []int{pid}; len(next) > 0; next = next[1:] {
		all = append(append(all, lines[next[0]]...), '\n')
		next = append(next, children[next[0]]...)
	}
	if len(all) < 10 {
		t.Fatalf("process %d has no arguments", pid)
	}
	return all
}

// serverSecrets are what the embedded servers are reached with.
func serverSecrets(t *testing.T, dir string) map[string]string {
	t.Helper()
	at, err := embedded.ReadConnection(dir)
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{"NATS password": at.NATS.Password, "S3 secret key": at.S3.SecretKey}
	if database, err := url.Parse(at.Postgres.URL); err == nil {
		secrets["PostgreSQL password"], _ = database.User.Password()
	}
	maps.DeleteFunc(secrets, func(_, value string) bool { return value == "" })
	if len(secrets) == 0 {
		t.Fatal("the servers have no secrets")
	}
	return secrets
}

func without(secrets map[string]string, which ...string) map[string]string {
	rest := maps.Clone(secrets)
	for _, what := range which {
		delete(rest, what)
	}
	return rest
}

// messages are those of all streams, with subjects and headers, as anybody with a
// NATS client reads them.
func messages(t *testing.T, dir string) (all []byte) {
	t.Helper()
	at, err := embedded.ReadConnection(dir)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(at.NATS.URL, nats.UserInfo(at.NATS.User, at.NATS.Password))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	streams := js.ListStreams(t.Context())
	for about := range streams.Info() {
		stream, err := js.Stream(t.Context(), about.Config.Name)
		if err != nil {
			t.Fatal(err)
		}
		for seq := about.State.FirstSeq; seq > 0 && seq <= about.State.LastSeq; seq++ {
			m, err := stream.GetMsg(t.Context(), seq)
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			all = fmt.Appendf(all, "%s\n%v\n%s\n", m.Subject, m.Header, m.Data)
		}
	}
	if err := streams.Err(); err != nil || !bytes.Contains(all, []byte("segment_transcribed")) {
		t.Fatalf("the log was not read: %v", err)
	}
	return all
}

func absent(t *testing.T, where string, text []byte, secrets map[string]string) {
	t.Helper()
	for _, what := range slices.Sorted(maps.Keys(secrets)) {
		for _, form := range []string{secrets[what], url.QueryEscape(secrets[what]), url.PathEscape(secrets[what])} {
			if i := bytes.Index(text, []byte(form)); i >= 0 {
				t.Errorf("the %s is in %s: …%s…", what, where, text[max(0, i-60):min(len(text), i+60)])
				break
			}
		}
	}
}

// absentFromFiles looks through all that the program keeps.
func absentFromFiles(t *testing.T, dir string, secrets map[string]string) {
	t.Helper()
	looked := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		looked++
		absent(t, path, content, secrets)
		return err
	})
	if err != nil || looked < 100 {
		t.Fatalf("%d files were looked through: %v", looked, err)
	}
}
