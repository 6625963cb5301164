// Package conformance replays the recorded answers of ethereum/execution-apis against our JSON-RPC handlers.
package conformance

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"
)

var (
	hexDigits = regexp.MustCompile(`^0x[0-9a-fA-F]*$`)
	mapKey    = regexp.MustCompile(`^(0x[0-9a-fA-F]{40}|[0-9]+)$`)
)

// sameShape compares what a schema would: kinds of values, names of fields, hex where hex was. Maps whose keys are
// addresses or nonces are compared by their values; lists by their first elements.
func sameShape(path string, want, have any) error {
	switch want := want.(type) {
	case map[string]any:
		have, ok := have.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: want an object, have %T", path, have)
		}
		return sameFields(path, want, have)
	case []any:
		have, ok := have.([]any)
		if !ok {
			return fmt.Errorf("%s: want a list", path)
		}
		if len(want) > 0 && len(have) > 0 {
			return sameShape(path+"[0]", want[0], have[0])
		}
		if len(want) > 0 {
			return fmt.Errorf("%s: want elements, have an empty list", path)
		}
		return nil
	case string:
		have, ok := have.(string)
		if !ok || hexDigits.MatchString(want) != hexDigits.MatchString(have) {
			return fmt.Errorf("%s: want a string like %.20q, have %.20q", path, want, have)
		}
		return nil
	default:
		if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", have) {
			return fmt.Errorf("%s: want %T, have %T", path, want, have)
		}
		return nil
	}
}

func sameFields(path string, want, have map[string]any) error {
	names := keys(want)
	if len(names) > 0 && mapKey.MatchString(names[0]) {
		if len(have) == 0 {
			return fmt.Errorf("%s: want entries, have none", path)
		}
		return sameShape(path+".*", want[names[0]], have[keys(have)[0]])
	}
	others := slices.DeleteFunc(keys(have), mayBeAbsent)
	if names = slices.DeleteFunc(names, mayBeAbsent); !slices.Equal(names, others) {
		return fmt.Errorf("%s: want the fields %s, have %s", path, strings.Join(names, " "), strings.Join(others, " "))
	}
	for _, name := range names {
		if err := sameShape(path+"."+name, want[name], have[name]); err != nil {
			return err
		}
	}
	return nil
}

// mayBeAbsent names the fields that the specification does not require: what is never deleted has no strategy of
// deletion (eth_capabilities).
func mayBeAbsent(field string) bool { return field == "deleteStrategy" || field == "oldestBlock" }

// sameValue compares everything; only the case of hex digits may differ.
func sameValue(want, have any) error {
	if reflect.DeepEqual(lowerHex(want), lowerHex(have)) {
		return nil
	}
	a, _ := json.Marshal(want)
	b, _ := json.Marshal(have)
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	from := max(0, at-40)
	return fmt.Errorf("differs: want ...%.120s, have ...%.120s", a[from:], b[from:])
}

// lowerHex copies a decoded JSON value with its hex strings, and the hex names of its fields, in lower case.
func lowerHex(v any) any {
	switch v := v.(type) {
	case string:
		if hexDigits.MatchString(v) {
			return strings.ToLower(v)
		}
		return v
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = lowerHex(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, field := range v {
			out[lowerHex(name).(string)] = lowerHex(field)
		}
		return out
	}
	return v
}

func keys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
