package sandbox

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Where all connectors are at work, connections wait for one: that many threads of
// one program may connect at the same moment, and each is done at once. When the
// connectors wait themselves, for a server inside that takes nothing, the queue
// does not hold up others for ever.

const (
	// maxConnectJobs bounds the descriptors that wait with the connections.
	maxConnectJobs = 1024
	// queueWait is how long one waits; it is then told to try again, as by a server
	// that has too many to accept.
	queueWait = 5 * time.Second
)

// connectJob is a connection that has no connector yet.
type connectJob struct {
	domain *domain
	do     func(worker *domain)
	// refuse answers the request instead; not with connectors.mu held.
	refuse func(unix.Errno)
	limit  *time.Timer
}

// begin gives a job to a connector, or has it wait for one.
func (s *supervisor) begin(job *connectJob) unix.Errno {
	c := &s.connecting
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		worker, errno := s.connector(job.domain)
		if errno == 0 {
			worker.work <- func() { job.do(worker) }
		}
		if errno != unix.EAGAIN {
			return errno
		}
	}
	if c.ended || len(c.queue) >= maxConnectJobs {
		return unix.EAGAIN
	}
	c.queue = append(c.queue, job)
	job.limit = time.AfterFunc(queueWait, func() { s.giveUp(job) })
	return 0
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

// next gives the job that waits longest to a connector that has become free, or to
// a new one in its place if it is of another domain. What cannot be begun is
// returned, with the reason. For c.mu's holder.
func (s *supervisor) next(d, worker *domain) (*connectJob, unix.Errno) {
	c := &s.connecting
	job := c.queue[0]
	c.queue = slices.Delete(c.queue, 0, 1)
	job.limit.Stop()
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
