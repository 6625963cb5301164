package sim

import "github.com/etherscale/bedrock/types"

// record is one record of the log: a body or a vertex.
type record struct {
	batch  *batch
	vertex *types.Vertex
}

// disk is a node's log. What is not synced may be lost in a crash, from the end on.
type disk struct {
	records  []record
	synced   int
	bodies   map[types.BatchID]bool
	vertices map[types.Hash]*types.Vertex
	order    []*types.Vertex
	bound    types.Round // after a lost log: no own vertex of this round or below is made
}

func newDisk() *disk {
	return &disk{bodies: map[types.BatchID]bool{}, vertices: map[types.Hash]*types.Vertex{}}
}

func (d *disk) append(r record) {
	d.records = append(d.records, r)
	if r.batch != nil {
		d.bodies[r.batch.id] = true
		return
	}
	d.vertices[r.vertex.Digest()] = r.vertex
	d.order = append(d.order, r.vertex)
}

func (d *disk) sync() { d.synced = len(d.records) }

// crash is the disk after a power cut that kept the given share of what was not synced.
func (d *disk) crash(keep int) *disk {
	kept := d.synced + (len(d.records)-d.synced)*keep/100
	after := newDisk()
	after.bound = d.bound
	for _, r := range d.records[:kept] {
		after.append(r)
	}
	after.sync()
	return after
}
