package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// typed stands for what somebody typed into a field; no answer of the program's own
// words has it.
const typed = "Zuckerschlecken"

// last are the operations after which their caller is not signed in any more.
var last = []string{"sign-out", "end-browser", "end-other-browsers", "erase-me"}

// TestProblemsRepeatNothing types a word into every field, parameter and path of the
// contract, as what it should be and as what it should not be. No problem repeats it,
// nor does the log at its most talkative.
func TestProblemsRepeatNothing(t *testing.T) {
	p := start(t, t.TempDir(), "PARLEY_LOG_LEVEL=debug")
	ada := p.setUp(t)
	c := contract{ada.must(http.StatusOK, "GET", "/openapi.json", nil).json}
	operations := c.operations()
	slices.SortStableFunc(operations, func(a, b operation) int { return slices.Index(last, a.id) - slices.Index(last, b.id) })

	for _, o := range operations {
		t.Run(o.id, func(t *testing.T) {
			who := ada
			if slices.Contains(last, o.id) {
				who = signIn(t, p.base, "ada@example.org")
			}
			for _, body := range o.bodies() {
				a := who.do(o.method, o.target(), body)
				if a.status >= http.StatusBadRequest && bytes.Contains(a.raw, []byte(typed)) {
					t.Errorf("%v: %s", body, a)
				}
			}
		})
	}
	for name, topic := range map[string]map[string]any{
		"language": {"title": "T", "language": typed + strings.Repeat("x", 35), "level": "B1"},
		"level":    {"title": "T", "language": "en", "level": typed},
	} {
		t.Run("a wrong "+name+" of a topic is named, not repeated", func(t *testing.T) {
			b := newBrowser(t, p.base)
			addAccount(t, p.dir, name+"@example.org", "learner")
			b.keep(b.must(http.StatusOK, "POST", "/api/sign-in", map[string]string{"email": name + "@example.org", "password": password}))
			if a := b.must(http.StatusUnprocessableEntity, "POST", "/api/topics", topic); !strings.Contains(a.text("detail"), name) || bytes.Contains(a.raw, []byte(typed)) {
				t.Error(a)
			}
		})
	}
	p.stop()
	if log := p.out.Bytes(); bytes.Count(log, []byte("refused")) < len(operations)/2 || bytes.Contains(log, []byte(typed)) {
		at := max(0, bytes.Index(log, []byte(typed)))
		t.Errorf("%d lines; …%s…", bytes.Count(log, []byte("\n")), log[max(0, at-300):min(len(log), at+100)])
	}
}

// contract is the OpenAPI document of a running program.
type contract struct{ document map[string]any }

// operation is one of its operations, as far as somebody can type into it.
type operation struct {
	id, method, path string
	access           string
	queries          []string
	body             any // what fits its schema, with the typed word in each text; nil: it has none
}

func (c contract) operations() (all []operation) {
	paths := c.document["paths"].(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		methods := paths[path].(map[string]any)
		for _, method := range slices.Sorted(maps.Keys(methods)) {
			described, is := methods[method].(map[string]any)
			if !is || path == "/api/live" {
				continue
			}
			o := operation{id: described["operationId"].(string), method: strings.ToUpper(method), path: path}
			o.access, _ = described["x-access"].(string)
			parameters, _ := described["parameters"].([]any)
			for _, each := range parameters {
				if parameter := each.(map[string]any); parameter["in"] == "query" {
					o.queries = append(o.queries, parameter["name"].(string))
				}
			}
			if request, has := described["requestBody"].(map[string]any); has {
				if kind, is := request["content"].(map[string]any)["application/json"].(map[string]any); is {
					o.body = c.fits(kind["schema"].(map[string]any))
				}
			}
			all = append(all, o)
		}
	}
	return all
}

// fits makes a value of a schema.
func (c contract) fits(schema map[string]any) any {
	if name, is := schema["$ref"].(string); is {
		components := c.document["components"].(map[string]any)["schemas"].(map[string]any)
		return c.fits(components[strings.TrimPrefix(name, "#/components/schemas/")].(map[string]any))
	}
	if choice, is := schema["enum"].([]any); is {
		return choice[0]
	}
	kind := fmt.Sprint(schema["type"])
	switch {
	case strings.Contains(kind, "object"):
		value := map[string]any{}
		properties, _ := schema["properties"].(map[string]any)
		for name, each := range properties {
			value[name] = c.fits(each.(map[string]any))
		}
		return value
	case strings.Contains(kind, "array"):
		return []any{c.fits(schema["items"].(map[string]any))}
	case strings.Contains(kind, "integer"), strings.Contains(kind, "number"):
		return 1
	case strings.Contains(kind, "boolean"):
		return true
	}
	return typed
}

// target has the word in every place of the path, and in every query.
func (o operation) target() string {
	parts := strings.Split(o.path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "{") {
			parts[i] = typed
		}
	}
	query := url.Values{}
	for _, name := range o.queries {
		query.Set(name, typed)
	}
	return strings.Join(parts, "/") + "?" + query.Encode()
}

// bodies are what fits, what has the word in place of everything, a field that is
// unknown, and no JSON at all.
func (o operation) bodies() []any {
	fits, is := o.body.(map[string]any)
	if !is {
		return []any{nil}
	}
	wrong, unknown := map[string]any{}, maps.Clone(fits)
	for name := range fits {
		wrong[name] = typed
	}
	unknown[typed] = typed
	return []any{wrong, unknown, `{"` + typed, typed, fits}
}
