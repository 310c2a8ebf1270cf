;;;; The peer program in Scheme, for Chez Scheme: gcbench and binary-trees. What it is told and what it says is described in
;;;; bench/peers/program.ts.
;;;;
;;;; Chez Scheme has no log of its collections. The collect request handler is called when as much as the collect trip has been allocated
;;;; and all active threads have stopped for it; it collects and takes down time and memory, in tables that are there already.

(import (chezscheme))

;;; Clocks and threads

(define libc (load-shared-object "libc.so.6"))
(define clock-monotonic 1)
(define pr-set-name 15)
(define clock-gettime (foreign-procedure "clock_gettime" (int u8*) int))
(define end-process (foreign-procedure "_exit" (int) void))
(define prctl (foreign-procedure "prctl" (int string) int))

;;; `timespec` is 16 bytes to write into.
(define (now-ns timespec)
  (clock-gettime clock-monotonic timespec)
  (fx+ (fx* (bytevector-s64-native-ref timespec 0) 1000000000) (bytevector-s64-native-ref timespec 8)))

;;; Collections

(define most-collections 100000)
(define starts (make-fxvector most-collections))
(define lengths (make-fxvector most-collections))
(define most-bytes (make-fxvector most-collections))
(define bytes-behind (make-fxvector most-collections))
(define used-behind (make-fxvector most-collections))
(define observed 0)
(define used-at-start 0)
(define collector-timespec (make-bytevector 16))

;;; Between two collections memory only grows, so the most since the last one is that of this one.
(define (observe-collections)
  (collect (collect-maximum-generation))
  (set! used-at-start (bytes-allocated))
  (reset-maximum-memory-bytes!)
  (collect-request-handler
   (lambda ()
     (let ([start (now-ns collector-timespec)])
       (collect)
       (when (fx< observed most-collections)
         (fxvector-set! starts observed start)
         (fxvector-set! lengths observed (fx- (now-ns collector-timespec) start))
         (fxvector-set! most-bytes observed (maximum-memory-bytes))
         (fxvector-set! bytes-behind observed (current-memory-bytes))
         (fxvector-set! used-behind observed (fxmax 0 (fx- (bytes-allocated) used-at-start)))
         (set! observed (fx+ observed 1)))
       (reset-maximum-memory-bytes!)))))

;;; Parameters

(define parameters (make-hashtable string-hash string=?))

(define (sign-at word i)
  (cond [(fx= i (string-length word)) (error 'parameters "not a name=value" word)]
        [(char=? (string-ref word i) #\=) i]
        [else (sign-at word (fx+ i 1))]))

(define (parse-parameters words)
  (for-each
   (lambda (word)
     (let ([sign (sign-at word 0)])
       (hashtable-set! parameters (substring word 0 sign) (substring word (fx+ sign 1) (string-length word)))))
   words))

(define (text name)
  (or (hashtable-ref parameters name #f) (error 'parameters "parameter missing" name)))

(define (parameter name) (string->number (text name)))

;;; Work: build, step, verify and corrupt are closures over the data of one mutator

(define-record-type work
  (fields (mutable checks) (mutable mismatches) (mutable checksum) (mutable build) (mutable step) (mutable verify) (mutable corrupt))
  (protocol (lambda (new) (lambda () (new 0 0 0 #f #f #f #f))))
  (sealed #t))

(define bits-32 #xffffffff)

;;; Modulo 2^32; a product of two numbers of 32 bits is too large for a fixnum.
(define (times-32 a b)
  (fxlogand bits-32
            (fx+ (fx* (fxlogand #xffff a) b)
                 (fxsll (fxlogand #xffff (fx* (fxsrl a 16) b)) 16))))

(define (mixed value)
  (let* ([a (fxlogxor value (fxsrl value 16))]
         [b (times-32 a #x85ebca6b)]
         [c (fxlogxor b (fxsrl b 13))]
         [d (times-32 c #xc2b2ae35)])
    (fxlogxor d (fxsrl d 16))))

(define (add work value)
  (work-checksum-set! work (mixed (fxlogxor (work-checksum work) (fxlogand bits-32 value)))))

(define (check work right)
  (work-checks-set! work (fx+ (work-checks work) 1))
  (unless right (work-mismatches-set! work (fx+ (work-mismatches work) 1))))

;;; Trees

;;; Nodes of a full tree; a tree of depth 0 is one node.
(define (tree-size depth) (fx- (fxsll 2 depth) 1))

(define-record-type run (fields depth top-down count) (sealed #t))

(define (run-at runs at)
  (let ([run (car runs)])
    (if (fx< at (run-count run)) run (run-at (cdr runs) (fx- at (run-count run))))))

(define (schedule-length runs) (fold-left (lambda (sum run) (fx+ sum (run-count run))) 0 runs))

(define (depths least most) (if (fx> least most) '() (cons least (depths (fx+ least 2) most))))

(define-record-type plain (fields (mutable left) right) (sealed #t))

(define (plain-bottom-up depth)
  (if (fx= depth 0)
      (make-plain #f #f)
      (let* ([left (plain-bottom-up (fx- depth 1))]
             [right (plain-bottom-up (fx- depth 1))])
        (make-plain left right))))

(define (count-plain node)
  (if (plain-left node)
      (fx+ 1 (count-plain (plain-left node)) (count-plain (plain-right node)))
      1))

(define (spoil-plain node)
  (if (plain-left (plain-left node)) (spoil-plain (plain-left node)) (plain-left-set! node #f)))

(define (make-binary-trees)
  (let* ([work (make-work)]
         [least (parameter "minDepth")]
         [most (parameter "maxDepth")]
         [check-every (parameter "checkEvery")]
         [runs (map (lambda (depth) (make-run depth #f (fxsll 1 (fx+ (fx- most depth) least)))) (depths least most))]
         [length (schedule-length runs)]
         [long-lived #f])
    (define (check-tree tree depth)
      (let ([found (count-plain tree)])
        (check work (fx= found (tree-size depth)))
        (add work found)))
    (work-build-set! work (lambda ()
                            (check-tree (plain-bottom-up (fx+ most 1)) (fx+ most 1))
                            (set! long-lived (plain-bottom-up most))))
    (work-step-set! work (lambda (index)
                           (let ([depth (run-depth (run-at runs (fxmodulo index length)))])
                             (check-tree (plain-bottom-up depth) depth)
                             (when (fx= (fxmodulo index check-every) (fx- check-every 1)) (check-tree long-lived most)))))
    (work-verify-set! work (lambda ()
                             (check-tree long-lived most)
                             (add work (work-checks work))))
    (work-corrupt-set! work (lambda () (spoil-plain long-lived)))
    work))

(define long-lived-tree #x7fffffff)

(define-record-type labelled (fields (mutable left) (mutable right) tree depth) (sealed #t))

(define (labelled-bottom-up depth tree)
  (if (fx= depth 0)
      (make-labelled #f #f tree 0)
      (let* ([left (labelled-bottom-up (fx- depth 1) tree)]
             [right (labelled-bottom-up (fx- depth 1) tree)])
        (make-labelled left right tree depth))))

(define (populate node depth tree)
  (when (fx> depth 0)
    (labelled-left-set! node (make-labelled #f #f tree (fx- depth 1)))
    (populate (labelled-left node) (fx- depth 1) tree)
    (labelled-right-set! node (make-labelled #f #f tree (fx- depth 1)))
    (populate (labelled-right node) (fx- depth 1) tree)))

(define (labelled-top-down depth tree)
  (let ([node (make-labelled #f #f tree depth)])
    (populate node depth tree)
    node))

(define (count-labelled work node depth tree)
  (unless (and (fx= (labelled-tree node) tree) (fx= (labelled-depth node) depth))
    (work-mismatches-set! work (fx+ (work-mismatches work) 1)))
  (if (labelled-left node)
      (fx+ 1
           (count-labelled work (labelled-left node) (fx- depth 1) tree)
           (count-labelled work (labelled-right node) (fx- depth 1) tree))
      1))

(define (spoil-labelled node)
  (if (labelled-left (labelled-left node)) (spoil-labelled (labelled-left node)) (labelled-left-set! node #f)))

(define (make-gcbench)
  (let* ([work (make-work)]
         [stretch-depth (parameter "stretchDepth")]
         [long-lived-depth (parameter "longLivedDepth")]
         [array-length (parameter "arrayLength")]
         [check-every (parameter "checkEvery")]
         [runs (apply append
                      (map (lambda (depth)
                             (let ([count (fxquotient (fx* 2 (tree-size stretch-depth)) (tree-size depth))])
                               (list (make-run depth #t count) (make-run depth #f count))))
                           (depths (parameter "minDepth") (parameter "maxDepth"))))]
         [length (schedule-length runs)]
         [long-lived #f]
         ;; Doubles by their bytes: a vector would refer to each.
         [array #f])
    (define (check-tree tree depth number)
      (let ([found (count-labelled work tree depth number)])
        (work-checks-set! work (fx+ (work-checks work) found))
        (unless (fx= found (tree-size depth)) (work-mismatches-set! work (fx+ (work-mismatches work) 1)))
        (add work found)))
    (define (check-long-lived stride)
      (check-tree long-lived long-lived-depth long-lived-tree)
      (do ([i 0 (fx+ i stride)]) ((fx>= i array-length))
        (check work (fl= (bytevector-ieee-double-native-ref array (fx* 8 i)) (fl/ 1.0 (fixnum->flonum (fx+ i 1)))))))
    (work-build-set! work (lambda ()
                            (check-tree (labelled-bottom-up stretch-depth 0) stretch-depth 0)
                            (set! long-lived (labelled-top-down long-lived-depth long-lived-tree))
                            (set! array (make-bytevector (fx* 8 array-length)))
                            (do ([i 0 (fx+ i 1)]) ((fx= i array-length))
                              (bytevector-ieee-double-native-set! array (fx* 8 i) (fl/ 1.0 (fixnum->flonum (fx+ i 1)))))))
    (work-step-set! work (lambda (index)
                           (let* ([run (run-at runs (fxmodulo index length))]
                                  [depth (run-depth run)])
                             (check-tree (if (run-top-down run) (labelled-top-down depth index) (labelled-bottom-up depth index))
                                         depth index)
                             (when (fx= (fxmodulo index check-every) (fx- check-every 1))
                               (check-long-lived (fx+ 1 (fxquotient array-length 1000)))))))
    (work-verify-set! work (lambda ()
                             (check-long-lived 1)
                             (add work (work-checks work))))
    (work-corrupt-set! work (lambda () (spoil-labelled long-lived)))
    work))

(define (make-named-work)
  (let ([name (text "workload")])
    (cond [(string=? name "gcbench") (make-gcbench)]
          [(string=? name "binary-trees") (make-binary-trees)]
          [else (error 'workload "unknown workload" name)])))

;;; Mutators

(define (prepare work)
  ((work-build work))
  (let ([warm-up (parameter "warmUp")] [step (work-step work)])
    (do ([i 0 (fx+ i 1)]) ((fx= i warm-up)) (step i))))

(define (measure work)
  (let ([warm-up (parameter "warmUp")]
        [operations (parameter "operations")]
        [corrupt-at (parameter "corruptAt")]
        [step (work-step work)])
    (do ([i 0 (fx+ i 1)]) ((fx= i operations))
      (step (fx+ warm-up i))
      (when (fx= (fx+ i 1) corrupt-at) ((work-corrupt work))))))

(define (say word)
  (printf "~a\n" word)
  (flush-output-port (current-output-port))
  (get-line (current-input-port)))

(define (sum-of field works) (fold-left (lambda (sum work) (fx+ sum (field work))) 0 works))

;;; Numbers and lists as JSON.
(define (json value)
  (if (list? value)
      (string-append "[" (fold-left (lambda (text element) (if (string=? text "") (json element) (string-append text "," (json element))))
                                    "" value) "]")
      (number->string value)))

;;; One pair for each collection.
(define (pairs time value)
  (map (lambda (i) (list (time i) (value i))) (iota observed)))

(define (start-of i) (fxvector-ref starts i))
(define (end-of i) (fx+ (fxvector-ref starts i) (fxvector-ref lengths i)))

(define (print-result works began-ns wall-ns ended-bytes)
  (printf "{\"beganNs\":~a,\"wallNs\":~a,\"checks\":~a,\"mismatches\":~a,\"checksums\":~a,\"liveBytes\":0,"
          began-ns wall-ns (sum-of work-checks works) (sum-of work-mismatches works) (json (map work-checksum works)))
  (printf "\"pauses\":~a,\"live\":~a,"
          (json (pairs start-of (lambda (i) (fxvector-ref lengths i))))
          (json (pairs end-of (lambda (i) (fxvector-ref used-behind i)))))
  (printf "\"heap\":~a,\"runtime\":\"~a\"}\n"
          (json (append (pairs start-of (lambda (i) (fxvector-ref most-bytes i)))
                        (pairs end-of (lambda (i) (fxvector-ref bytes-behind i)))
                        (list (list (fx+ began-ns wall-ns) ended-bytes))))
          (scheme-version))
  (flush-output-port (current-output-port)))

;;; An error ends the process on any thread: the others would wait. `exit` ends only the thread that calls it.
(define (without-errors body)
  (with-exception-handler
   (lambda (condition)
     (display-condition condition (current-error-port))
     (newline (current-error-port))
     (flush-output-port (current-error-port))
     (end-process 1))
   body))

;;; Threads go from phase to phase together; they live until the result is written, so that the time of their clocks can be read. They
;;; wait at conditions, where a collection does not wait for them.
(define (main)
  (parse-parameters (command-line-arguments))
  (observe-collections)
  (let* ([works (map (lambda (_) (make-named-work)) (iota (parameter "mutators")))]
         [mutex (make-mutex)]
         [changed (make-condition)]
         [arrived 0]
         [phase 0]
         [timespec (make-bytevector 16)])
    (define (arrive-and-await next)
      (with-mutex mutex
        (set! arrived (fx+ arrived 1))
        (condition-broadcast changed)
        (let wait () (when (fx< phase next) (condition-wait changed mutex) (wait)))))
    (define (await-all)
      (with-mutex mutex
        (let wait () (when (fx< arrived (length works)) (condition-wait changed mutex) (wait)))
        (set! arrived 0)))
    (define (enter next)
      (with-mutex mutex
        (set! phase next)
        (condition-broadcast changed)))
    (for-each (lambda (work index)
                (define (mutate)
                  (prctl pr-set-name (format "mutator-~a" index))
                  (prepare work)
                  (arrive-and-await 1)
                  (measure work)
                  (arrive-and-await 2)
                  ((work-verify work))
                  (arrive-and-await 3))
                (fork-thread (lambda () (without-errors mutate))))
              works (iota (length works)))
    (await-all)
    (say "begin")
    (let ([began-ns (now-ns timespec)])
      (enter 1)
      (await-all)
      (let ([wall-ns (fx- (now-ns timespec) began-ns)]
            [ended-bytes (current-memory-bytes)])
        (say "end")
        (enter 2)
        (await-all)
        (print-result works began-ns wall-ns ended-bytes)
        (exit 0)))))

(without-errors main)
