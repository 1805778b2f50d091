package sandbox

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Where all connectors are at work, connections wait for one: that many threads of
// one program may connect at the same moment, and each is done at once. One that
// waits itself, for a server inside that takes nothing, makes room for others: it is
// tried again when there is none that was not, so that nobody waits for it.

const (
	// maxConnectJobs bounds the descriptors that wait with the connections. With one
	// more, that which was tried longest ago is told to try again, as by a server that
	// has too many to accept.
	maxConnectJobs = 1024
	// queueWait is how long one waits that was not tried; it is then told the same.
	queueWait = 5 * time.Second
)

// errLater is what a connection comes to that is to be tried again.
var errLater = errors.New("others wait for a connector")

// connectJob is a connection that has no connector yet, or none any more.
type connectJob struct {
	domain *domain
	do     func(worker *domain)
	// refuse answers the request instead; not with connectors.mu held.
	refuse func(unix.Errno)
	limit  *time.Timer
}

// begin gives a job to a connector, or has it wait for one.
func (s *supervisor) begin(job *connectJob) unix.Errno {
	dropped, errno := s.enqueue(job)
	if dropped != nil {
		dropped.refuse(unix.EAGAIN)
	}
	return errno
}

func (s *supervisor) enqueue(job *connectJob) (dropped *connectJob, errno unix.Errno) {
	c := &s.connecting
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue)+len(c.tried) == 0 {
		worker, errno := s.connector(job.domain)
		if errno == 0 {
			worker.work <- func() { job.do(worker) }
		}
		if errno != unix.EAGAIN {
			return nil, errno
		}
	}
	if c.ended || len(c.queue) >= maxConnectJobs {
		return nil, unix.EAGAIN
	}
	if len(c.queue)+len(c.tried) >= maxConnectJobs {
		dropped, c.tried = c.tried[0], slices.Delete(c.tried, 0, 1)
	}
	c.queue = append(c.queue, job)
	job.limit = time.AfterFunc(queueWait, func() { s.giveUp(job) })
	return dropped, 0
}

// giveUp refuses a job that still waits.
func (s *supervisor) giveUp(job *connectJob) {
	c := &s.connecting
	c.mu.Lock()
	i := slices.Index(c.queue, job)
	if i >= 0 {
		c.queue = slices.Delete(c.queue, i, i+1)
	}
	c.mu.Unlock()
	if i >= 0 {
		job.refuse(unix.EAGAIN)
	}
}

// crowded tells whether a connection that waits keeps others from being tried.
func (s *supervisor) crowded() bool {
	c := &s.connecting
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue)+len(c.tried) > 0
}

// again has a job that was tried wait, and its connector go on.
func (s *supervisor) again(job *connectJob, d, worker *domain) {
	c := &s.connecting
	c.mu.Lock()
	ended := c.ended
	if !ended {
		c.tried = append(c.tried, job)
	}
	c.mu.Unlock()
	if ended {
		job.refuse(unix.EAGAIN)
	}
	s.spare(d, worker)
}

// next gives the job that waits longest to a connector that has become free, or to
// a new one in its place if it is of another domain. What cannot be begun is
// returned, with the reason. For c.mu's holder.
func (s *supervisor) next(d, worker *domain) (*connectJob, unix.Errno) {
	c := &s.connecting
	from := &c.queue
	if len(*from) == 0 {
		from = &c.tried
	}
	job := (*from)[0]
	*from = slices.Delete(*from, 0, 1)
	if job.limit != nil {
		job.limit.Stop()
	}
	if job.domain != d {
		close(worker.work)
		c.count--
		var errno unix.Errno
		if worker, errno = s.connector(job.domain); errno != 0 {
			return job, errno
		}
	}
	worker.work <- func() { job.do(worker) }
	return nil, 0
}
