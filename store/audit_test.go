package store

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/etherscale/bedrock/types"
)

func TestAuditRecords(t *testing.T) {
	db := openMemory(t)
	defer db.Close()
	id, other := types.BatchIDOf([]byte("a")), types.BatchIDOf([]byte("b"))
	must(t, db.PutAudit(3, id, []byte("record")))
	if record, err := db.Audit(3, id); err != nil || string(record) != "record" {
		t.Fatalf("%q, %v", record, err)
	}
	if _, err := db.Audit(2, id); !errors.Is(err, ErrNotFound) {
		t.Fatalf("a batch that was released in another epoch: %v", err)
	}
	if _, err := db.Audit(3, other); !errors.Is(err, ErrNotFound) {
		t.Fatalf("a batch that was not released: %v", err)
	}
	for _, position := range []uint64{300, 2, 1 << 40} {
		must(t, db.PutAppended(position, BigEndian(position)))
	}
	var seen []uint64
	must(t, db.Scan(SpaceAppended, Range{From: BigEndian(uint64(3))}, func(_, v []byte) error {
		seen = append(seen, uint64(len(v)))
		return nil
	}))
	if len(seen) != 2 {
		t.Fatalf("%d positions from 3 on, want 2: keys do not ascend", len(seen))
	}
	if record, err := db.Appended(300); err != nil || string(record) != string(BigEndian(uint64(300))) {
		t.Fatalf("%x, %v", record, err)
	}
}

func TestFatalSaysWhatToDo(t *testing.T) {
	var log strings.Builder
	var got error
	l := logger{slog.New(slog.NewTextHandler(&log, nil)), func(err error) { got = err }}
	defer func() {
		if recover() == nil {
			t.Fatal("the process would go on after Fatal returned")
		}
		if got == nil || !strings.Contains(got.Error(), "check the disk") || !strings.Contains(log.String(), "store_fatal") {
			t.Fatalf("%v; log %q", got, log.String())
		}
	}()
	l.Fatalf("fsync: %s", "input/output error")
}

func TestFreeSpace(t *testing.T) {
	free, err := FreeSpace(t.TempDir())
	if err != nil || free == 0 {
		t.Fatalf("%d bytes, %v", free, err)
	}
	if _, err := FreeSpace("/no/such/directory"); err == nil {
		t.Fatal("a directory that is not there has free space")
	}
}
