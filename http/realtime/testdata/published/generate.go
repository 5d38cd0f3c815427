//go:build ignore

// Generate writes one filled example of every server event that openai-go
// publishes a type for. It runs in a module of its own, since that library
// brings the SDKs of two clouds along, and none of them is for this module:
//
//	go mod init scratch && go get github.com/openai/openai-go/v3@v3.96.0
//	go run generate.go > openai-go-v3.96.0.ndjson
package main

import (
	"encoding/json"
	"log"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/openai/openai-go/v3/realtime"
)

// deepest bounds the objects within objects.
const deepest = 7

func main() {
	union := reflect.TypeFor[realtime.RealtimeServerEventUnion]()
	out := json.NewEncoder(os.Stdout)
	var names []string
	events := map[string]any{}
	for i := range union.NumMethod() {
		method := union.Method(i)
		if !strings.HasPrefix(method.Name, "As") || method.Name == "AsAny" {
			continue
		}
		event := example(method.Type.Out(0), 0).(map[string]any)
		name := event["type"].(string)
		names, events[name] = append(names, name), event
	}
	slices.Sort(names)
	for _, name := range names {
		if err := out.Encode(events[name]); err != nil {
			log.Fatal(err)
		}
	}
}

// example is a value of that type with nothing in it zero; nil: the type says
// too little.
func example(t reflect.Type, depth int) any {
	switch t.Kind() {
	case reflect.Struct:
		return object(t, depth)
	case reflect.Slice:
		if item := example(t.Elem(), depth+1); item != nil {
			return []any{item}
		}
		return nil
	case reflect.Int64:
		return 7
	case reflect.Float64:
		return 1.5
	case reflect.Bool:
		return true
	}
	return nil
}

func object(t reflect.Type, depth int) any {
	if depth > deepest {
		return nil
	}
	members := map[string]any{}
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if strings.Contains(options, "inline") && field.Type.Kind() == reflect.Struct {
			join(members, example(field.Type, depth+1))
			continue
		}
		if name == "-" || name == "" {
			continue
		}
		value := example(field.Type, depth+1)
		if field.Type.Kind() == reflect.String {
			value = text(name, field.Tag.Get("default"))
		}
		if value != nil {
			members[name] = value
		}
	}
	return members
}

// join adds a variant of a union; what an earlier one has stays.
func join(members map[string]any, variant any) {
	more, _ := variant.(map[string]any)
	for name, value := range more {
		if _, there := members[name]; !there {
			members[name] = value
		}
	}
}

// text is what stands in a text: what it always is, else something that the
// decoder can tell apart from the others, else its name.
func text(name, always string) string {
	switch {
	case name == "role":
		return "user"
	case always != "":
		return always
	case name == "type":
		return "message"
	}
	return "the " + name
}
