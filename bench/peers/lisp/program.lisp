;;;; The peer program in Common Lisp, for SBCL: gcbench and binary-trees. What it is told and what it says is described in
;;;; bench/peers/program.ts.
;;;;
;;;; SBCL has no log of its collections. What stops the world is SB-KERNEL::SUB-GC, on the thread that needed memory, so the time in it is
;;;; taken down there, and what is in use behind it beyond what the core itself had, into arrays that are there already.

(declaim (optimize (speed 2) (safety 1) (debug 0)) (sb-ext:muffle-conditions sb-ext:compiler-note))

(deftype u32 () '(unsigned-byte 32))
(deftype count64 () '(unsigned-byte 62))

;;; Clocks and threads

(defconstant +clock-monotonic+ 1)
(defconstant +pr-set-name+ 15)

(declaim (inline now-ns))
(defun now-ns ()
  (multiple-value-bind (seconds nanoseconds) (sb-unix::clock-gettime +clock-monotonic+)
    (declare (type (unsigned-byte 32) seconds nanoseconds))
    (the count64 (+ (* seconds 1000000000) nanoseconds))))

(defun name-this-thread (name)
  (sb-alien:alien-funcall
   (sb-alien:extern-alien "prctl" (function sb-alien:int sb-alien:int sb-alien:c-string)) +pr-set-name+ name))

;;; Collections

(defconstant +most-pauses+ 100000)
(declaim (type (simple-array count64 (*)) *pause-starts* *pause-lengths* *used-behind*) (type fixnum *pauses* *used-at-start*))
(sb-ext:defglobal *pause-starts* (make-array +most-pauses+ :element-type 'count64))
(sb-ext:defglobal *pause-lengths* (make-array +most-pauses+ :element-type 'count64))
(sb-ext:defglobal *used-behind* (make-array +most-pauses+ :element-type 'count64))
(sb-ext:defglobal *used-at-start* 0)
(sb-ext:defglobal *pauses* 0)

(defun observe-collections ()
  (sb-ext:gc :full t)
  (setf *used-at-start* (sb-kernel:dynamic-usage))
  (sb-int:encapsulate
   'sb-kernel::sub-gc 'pause
   (lambda (collect &rest arguments)
     (let ((start (now-ns)))
       (multiple-value-prog1 (apply collect arguments)
         (when (< *pauses* +most-pauses+)
           (setf (aref *pause-starts* *pauses*) start
                 (aref *pause-lengths* *pauses*) (- (now-ns) start)
                 (aref *used-behind* *pauses*) (max 0 (- (sb-kernel:dynamic-usage) *used-at-start*)))
           (incf *pauses*)))))))

;;; Parameters

(defvar *parameters* (make-hash-table :test 'equal))

(defun parse-parameters (words)
  (dolist (word words)
    (let ((sign (position #\= word)))
      (unless sign (error "not a name=value: ~a" word))
      (setf (gethash (subseq word 0 sign) *parameters*) (subseq word (1+ sign))))))

(defun text (name)
  (or (gethash name *parameters*) (error "parameter missing: ~a" name)))

(defun parameter (name)
  (the fixnum (parse-integer (text name))))

;;; Work: build, step, verify and corrupt are closures over the data of one mutator

(defstruct work
  (checks 0 :type fixnum)
  (mismatches 0 :type fixnum)
  (checksum 0 :type u32)
  build step verify corrupt)

(declaim (inline mixed))
(defun mixed (value)
  (declare (type u32 value))
  (let* ((a (logxor value (ash value -16)))
         (b (ldb (byte 32 0) (* a #x85ebca6b)))
         (c (logxor b (ash b -13)))
         (d (ldb (byte 32 0) (* c #xc2b2ae35))))
    (declare (type u32 a b c d))
    (logxor d (ash d -16))))

(defun add (work value)
  (setf (work-checksum work) (mixed (logxor (work-checksum work) (ldb (byte 32 0) value)))))

(defun check (work right)
  (incf (work-checks work))
  (unless right (incf (work-mismatches work))))

;;; Trees

(declaim (inline tree-size))
(defun tree-size (depth)
  (declare (type (integer 0 40) depth))
  (the fixnum (1- (ash 2 depth))))

(defstruct run (depth 0 :type (integer 0 40)) top-down (count 0 :type fixnum))

(defun run-at (runs length index)
  (declare (type fixnum length index))
  (let ((at (mod index length)))
    (declare (type fixnum at))
    (dolist (run runs (error "an empty schedule"))
      (when (< at (run-count run)) (return run))
      (decf at (run-count run)))))

(defun schedule-length (runs)
  (reduce #'+ runs :key #'run-count))

(defstruct (node (:constructor make-node (left right))) left right)

(defun plain-bottom-up (depth)
  (declare (type fixnum depth))
  (if (= depth 0)
      (make-node nil nil)
      (let* ((left (plain-bottom-up (1- depth)))
             (right (plain-bottom-up (1- depth))))
        (make-node left right))))

(defun count-plain (node)
  (declare (type node node))
  (if (null (node-left node))
      1
      (the fixnum (+ 1 (the fixnum (count-plain (node-left node))) (the fixnum (count-plain (node-right node)))))))

(defun make-binary-trees ()
  (let* ((work (make-work))
         (least (parameter "minDepth"))
         (most (parameter "maxDepth"))
         (check-every (parameter "checkEvery"))
         (runs (loop for depth from least to most by 2
                     collect (make-run :depth depth :count (ash 1 (+ (- most depth) least)))))
         (length (schedule-length runs))
         (long-lived nil))
    (declare (type fixnum least most check-every length))
    (flet ((check-tree (tree depth)
             (let ((found (count-plain tree)))
               (check work (= found (tree-size depth)))
               (add work found))))
      (setf (work-build work) (lambda ()
                                (check-tree (plain-bottom-up (1+ most)) (1+ most))
                                (setf long-lived (plain-bottom-up most)))
            (work-step work) (lambda (index)
                               (declare (type fixnum index))
                               (let ((run (run-at runs length index)))
                                 (check-tree (plain-bottom-up (run-depth run)) (run-depth run))
                                 (when (= (mod index check-every) (1- check-every)) (check-tree long-lived most))))
            (work-verify work) (lambda ()
                                 (check-tree long-lived most)
                                 (add work (work-checks work)))
            (work-corrupt work) (lambda ()
                                  (let ((node long-lived))
                                    (loop while (node-left (node-left node)) do (setf node (node-left node)))
                                    (setf (node-left node) nil)))))
    work))

(defconstant +long-lived-tree+ #x7fffffff)

(defstruct (labelled (:constructor make-labelled (left right tree depth)))
  left right (tree 0 :type u32) (depth 0 :type u32))

(defun labelled-bottom-up (depth tree)
  (declare (type u32 depth tree))
  (if (= depth 0)
      (make-labelled nil nil tree 0)
      (let* ((left (labelled-bottom-up (1- depth) tree))
             (right (labelled-bottom-up (1- depth) tree)))
        (make-labelled left right tree depth))))

(defun populate (node depth tree)
  (declare (type u32 depth tree))
  (when (> depth 0)
    (setf (labelled-left node) (make-labelled nil nil tree (1- depth)))
    (populate (labelled-left node) (1- depth) tree)
    (setf (labelled-right node) (make-labelled nil nil tree (1- depth)))
    (populate (labelled-right node) (1- depth) tree)))

(defun labelled-top-down (depth tree)
  (let ((node (make-labelled nil nil tree depth)))
    (populate node depth tree)
    node))

(defun count-labelled (work node depth tree)
  (declare (type labelled node) (type u32 tree) (type fixnum depth))
  (unless (and (= (labelled-tree node) tree) (= (labelled-depth node) depth)) (incf (work-mismatches work)))
  (if (null (labelled-left node))
      1
      (the fixnum (+ 1
                     (the fixnum (count-labelled work (labelled-left node) (1- depth) tree))
                     (the fixnum (count-labelled work (labelled-right node) (1- depth) tree))))))

(defun make-gcbench ()
  (let* ((work (make-work))
         (stretch-depth (parameter "stretchDepth"))
         (long-lived-depth (parameter "longLivedDepth"))
         (array-length (parameter "arrayLength"))
         (check-every (parameter "checkEvery"))
         (runs (loop for depth from (parameter "minDepth") to (parameter "maxDepth") by 2
                     for count = (floor (* 2 (tree-size stretch-depth)) (tree-size depth))
                     collect (make-run :depth depth :top-down t :count count)
                     collect (make-run :depth depth :count count)))
         (length (schedule-length runs))
         (long-lived nil)
         (array (make-array 0 :element-type 'double-float)))
    (declare (type fixnum stretch-depth long-lived-depth array-length check-every length)
             (type (simple-array double-float (*)) array))
    (labels ((check-tree (tree depth number)
               (let ((found (count-labelled work tree depth number)))
                 (incf (work-checks work) found)
                 (unless (= found (tree-size depth)) (incf (work-mismatches work)))
                 (add work found)))
             (check-long-lived (stride)
               (declare (type fixnum stride))
               (check-tree long-lived long-lived-depth +long-lived-tree+)
               (loop for i fixnum from 0 below array-length by stride
                     do (check work (= (aref array i) (/ 1d0 (1+ i)))))))
      (setf (work-build work) (lambda ()
                                (check-tree (labelled-bottom-up stretch-depth 0) stretch-depth 0)
                                (setf long-lived (labelled-top-down long-lived-depth +long-lived-tree+)
                                      array (make-array array-length :element-type 'double-float))
                                (dotimes (i array-length) (setf (aref array i) (/ 1d0 (1+ i)))))
            (work-step work) (lambda (index)
                               (declare (type fixnum index))
                               (let* ((run (run-at runs length index))
                                      (depth (run-depth run)))
                                 (check-tree (if (run-top-down run) (labelled-top-down depth index) (labelled-bottom-up depth index))
                                             depth index)
                                 (when (= (mod index check-every) (1- check-every))
                                   (check-long-lived (1+ (floor array-length 1000))))))
            (work-verify work) (lambda ()
                                 (check-long-lived 1)
                                 (add work (work-checks work)))
            (work-corrupt work) (lambda ()
                                  (let ((node long-lived))
                                    (loop while (labelled-left (labelled-left node)) do (setf node (labelled-left node)))
                                    (setf (labelled-left node) nil)))))
    work))

(defun make-named-work ()
  (let ((name (text "workload")))
    (cond ((string= name "gcbench") (make-gcbench))
          ((string= name "binary-trees") (make-binary-trees))
          (t (error "unknown workload: ~a" name)))))

;;; Mutators

(defun measure (work)
  (let ((warm-up (parameter "warmUp"))
        (corrupt-at (parameter "corruptAt"))
        (step (work-step work)))
    (declare (type function step) (type fixnum warm-up corrupt-at))
    (dotimes (i (parameter "operations"))
      (funcall step (+ warm-up i))
      (when (= (1+ i) corrupt-at) (funcall (work-corrupt work))))))

(defun prepare (work)
  (funcall (work-build work))
  (dotimes (i (parameter "warmUp")) (funcall (work-step work) i)))

(defun say (word)
  (format t "~a~%" word)
  (finish-output)
  (read-line *standard-input* nil))

(defun print-result (works began-ns wall-ns)
  (format t "{\"beganNs\":~d,\"wallNs\":~d,\"checks\":~d,\"mismatches\":~d,\"checksums\":[~{~d~^,~}],\"liveBytes\":0,"
          began-ns wall-ns (reduce #'+ works :key #'work-checks) (reduce #'+ works :key #'work-mismatches)
          (mapcar #'work-checksum works))
  (format t "\"pauses\":[~{[~{~d~^,~}]~^,~}],\"live\":[~{[~{~d~^,~}]~^,~}],\"runtime\":\"SBCL ~a\"}~%"
          (loop for i below *pauses* collect (list (aref *pause-starts* i) (aref *pause-lengths* i)))
          (loop for i below *pauses* collect (list (+ (aref *pause-starts* i) (aref *pause-lengths* i)) (aref *used-behind* i)))
          (lisp-implementation-version)))

;;; Threads go from phase to phase together; they live until the result is written, so that the time of their clocks can be read.
(defun main ()
  (parse-parameters (rest sb-ext:*posix-argv*))
  (observe-collections)
  (let* ((works (loop repeat (parameter "mutators") collect (make-named-work)))
         (arrived (sb-thread:make-semaphore))
         (gates (loop repeat 4 collect (sb-thread:make-semaphore)))
         (began-ns 0))
    (flet ((arrive (gate)
             (sb-thread:signal-semaphore arrived)
             (sb-thread:wait-on-semaphore (nth gate gates)))
           (await ()
             (sb-thread:wait-on-semaphore arrived :n (length works)))
           (release (gate)
             (sb-thread:signal-semaphore (nth gate gates) (length works))))
      (loop for work in works
            for index from 0
            do (let ((work work) (index index))
                 (sb-thread:make-thread (lambda ()
                                          (name-this-thread (format nil "mutator-~d" index))
                                          (prepare work)
                                          (arrive 0)
                                          (measure work)
                                          (arrive 1)
                                          (funcall (work-verify work))
                                          (arrive 2)))))
      (await)
      (say "begin")
      (setf began-ns (now-ns))
      (release 0)
      (await)
      (let ((wall-ns (- (now-ns) began-ns)))
        (say "end")
        (release 1)
        (await)
        (print-result works began-ns wall-ns)
        (finish-output)
        (sb-ext:exit :code 0 :abort t)))))

(main)
