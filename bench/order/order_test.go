package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// TestBothSystemsOrderAndSaySo runs both on real nodes: everything sent is seen ordered, through each dialect.
func TestBothSystemsOrderAndSaySo(t *testing.T) {
	for i, s := range []system{bedrock{}, comet{}} {
		t.Run(s.name(), func(t *testing.T) {
			n, err := open(t.Context(), s, i == 1)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := n.close(); err != nil {
					t.Error(err)
				}
			}()
			r, err := n.run(t.Context(), load{rate: 200, warm: 200 * time.Millisecond, length: time.Second, drain: 20 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			if r.due != 200 || r.Refused+r.Unsent+r.Lost != 0 || r.Reason != "" {
				t.Fatalf("of %d due: %s", r.due, r)
			}
			if r.OrderedPerS <= 0 || r.P50Ms <= 0 || r.P99Ms < r.P50Ms || r.CPUMsPerTx <= 0 || r.MiB <= 0 {
				t.Fatalf("%s", r)
			}
			used, err := usage(n.nodes)
			if err != nil || used.cpu <= 0 || used.rss < 1<<20 {
				t.Fatalf("%v, %v", used, err)
			}
		})
	}
}

func TestPayloads(t *testing.T) {
	for _, id := range []uint64{0, 1, 77, 1 << 40, 1<<64 - 1} {
		p := payload(id)
		if len(p) != payloadSize || bytes.Count(p, []byte("=")) != 1 || bytes.Contains(p, []byte(":")) {
			t.Fatalf("%d: %q", id, p)
		}
		if got := (comet{}).key(p); got != id {
			t.Fatalf("number %d of %d", got, id)
		}
	}
	if bytes.Equal(payload(1)[idDigits:], payload(2)[idDigits:]) {
		t.Fatal("two payloads differ in their numbers only")
	}
}

// TestRequestsAreJSON: what the client writes by hand is what it means.
func TestRequestsAreJSON(t *testing.T) {
	var batch []struct {
		ID     uint64
		Method string
		Params []string
	}
	if err := json.Unmarshal(bedrock{}.requests([]uint64{5, 9})[0], &batch); err != nil {
		t.Fatal(err)
	}
	if len(batch) != 2 || batch[1].ID != 9 || batch[1].Method != "bedrock_sendTransaction" || batch[1].Params[0] != fmt.Sprintf("0x%x", payload(9)) {
		t.Fatalf("%+v", batch)
	}
	var call struct {
		ID     uint64
		Method string
		Params struct{ Tx []byte }
	}
	calls := comet{}.requests([]uint64{5, 9})
	if err := json.Unmarshal(calls[1], &call); err != nil {
		t.Fatal(err)
	}
	if len(calls) != 2 || call.ID != 9 || call.Method != "broadcast_tx_sync" || !bytes.Equal(call.Params.Tx, payload(9)) {
		t.Fatalf("%+v", call)
	}
}

func TestAnswersAndNewsAreRead(t *testing.T) {
	key := bedrock{}.key(payload(3))
	block := fmt.Sprintf(`{"data":{"type":"tendermint/event/NewBlock","value":{"block":{"data":{"txs":[%s]}}}}}`, mustJSON(payload(3)))
	for _, c := range []struct {
		d       dialect
		message string
		want    incoming
	}{
		{bedrock{}, `[{"jsonrpc":"2.0","id":3,"result":"0x00"},{"jsonrpc":"2.0","id":4,"error":{"code":-32000,"message":"full"}}]`,
			incoming{answers: []answer{{3, ""}, {4, "full"}}}},
		{bedrock{}, fmt.Sprintf(`{"jsonrpc":"2.0","method":"bedrock_subscription","params":{"subscription":"0x1","result":{"transactions":["0x%016x%048x"],"missed":2}}}`, key, 0),
			incoming{ordered: []uint64{key}, missed: 2}},
		{comet{}, `{"jsonrpc":"2.0","id":3,"result":{"code":0,"data":"","log":"","hash":"AB"}}`, incoming{answers: []answer{{3, ""}}}},
		{comet{}, `{"jsonrpc":"2.0","id":3,"result":{"code":1,"log":"bad"}}`, incoming{answers: []answer{{3, "code 1 bad"}}}},
		{comet{}, `{"jsonrpc":"2.0","id":4,"error":{"code":-32603,"message":"Internal error","data":"mempool is full"}}`,
			incoming{answers: []answer{{4, "Internal error: mempool is full"}}}},
		{comet{}, `{"jsonrpc":"2.0","id":0,"result":{}}`, incoming{}},
		{comet{}, `{"jsonrpc":"2.0","id":0,"result":` + block + `}`, incoming{ordered: []uint64{3}}},
	} {
		var got incoming
		if err := c.d.read([]byte(c.message), &got); err != nil {
			t.Errorf("%s: %v", c.message, err)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", c.message, got, c.want)
		}
	}
}

func mustJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// TestRowCountsWhatIsDueInTheWindow: ten a second, the first second does not count.
func TestRowCountsWhatIsDueInTheWindow(t *testing.T) {
	l := load{rate: 10, warm: time.Second, length: time.Second}
	r := newRecord(comet{}, 1, l.count())
	r.start = time.Now().Add(-3 * time.Second)
	for i := range l.count() {
		if i >= 18 {
			continue // never sent
		}
		r.fates[i].Store(sent)
	}
	in := incoming{answers: []answer{{id: 17, refusal: "busy"}, {id: 500}}}
	r.note(3, r.start, &incoming{ordered: []uint64{1}}) // went in elsewhere
	for i := range 16 {                                 // the 17th is refused, the 18th is lost
		in.ordered = in.ordered[:0]
		in.ordered = append(in.ordered, uint64(i)+1)
		r.note(i%validators, r.start.Add(l.due(i)+200*time.Millisecond), &in)
	}
	got := newRow(l, r, snapshot{nodes: spent{cpu: 80 * time.Millisecond}})
	if got.due != 10 || got.Refused != 1 || got.Lost != 1 || got.Unsent != 2 || got.Reason != "busy" {
		t.Fatalf("due %d: %s", got.due, got)
	}
	// Those due in 0.8 s to 1.5 s were ordered in the window.
	if got.OrderedPerS != 8 || got.P50Ms != 200 || got.P99Ms < 1200 || got.CPUMsPerTx != 10 {
		t.Fatalf("%s", got)
	}
	if got.held() {
		t.Fatal("held, with a tenth refused")
	}
}

func TestHeld(t *testing.T) {
	good := row{Rate: 100, OrderedPerS: 95, P99Ms: 2000, Refused: 4, Unsent: 4, due: 800}
	if !good.held() {
		t.Fatal("not held at the limits")
	}
	for name, spoil := range map[string]func(*row){
		"rate": func(r *row) { r.OrderedPerS = 94.9 }, "latency": func(r *row) { r.P99Ms = 2000.1 }, "refusals": func(r *row) { r.Refused = 5 },
	} {
		bad := good
		if spoil(&bad); bad.held() {
			t.Errorf("held with a bad %s", name)
		}
	}
}

// TestSearchFindsTheKnee against systems that hold everything up to a rate.
func TestSearchFindsTheKnee(t *testing.T) {
	for _, knee := range []int{1, 63, 999, 1000, 1500, 13_000} {
		s := search{narrowings: 2}
		var tried int
		outcome := func(rate int) *row {
			if tried++; rate > knee {
				return &row{Rate: rate, due: 1}
			}
			return &row{Rate: rate, OrderedPerS: float64(rate), due: 1}
		}
		s.judge(outcome(1000))
		for rate := s.next(); rate != 0; rate = s.next() {
			s.judge(outcome(rate))
		}
		if s.best == nil || s.best.Rate > knee || 1.2*float64(s.best.Rate)+2 < float64(knee) {
			t.Errorf("knee %d: found %v after %d rates", knee, s.best, tried)
		}
	}
	s := search{narrowings: 2}
	s.judge(&row{Rate: 1, due: 1})
	if rate := s.next(); rate != 0 {
		t.Errorf("tries %d/s after 1/s was not held", rate)
	}
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{"--nonsense"}, {"argument"}, {"--system", "etcd"}, {"--rates", "0"}, {"--rates", "1,x"}, {"--rates", "1000001"}} {
		if code := run(t.Context(), args, io.Discard, io.Discard); code != 2 {
			t.Errorf("%v: exit code %d, want 2", args, code)
		}
	}
	var out strings.Builder
	(&report{Bedrock: &figures{PeakTxPerS: 2000}, CometBFT: &figures{PeakTxPerS: 1000}, RatioPeak: 2, RatioCPU: 3}).print(&out)
	if !strings.Contains(out.String(), "2.0 times CometBFT's") {
		t.Error(out.String())
	}
}
