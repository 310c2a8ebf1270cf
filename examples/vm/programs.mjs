// Three programs that allocate all the time, with their results.

export const PROGRAMS = {
  /** Lists and closures: every way to put n queens on a board. */
  queens: {
    expected: '92',
    text: `
      (define (append a b) (if (pair? a) (cons (car a) (append (cdr a) b)) b))
      (define (map f list) (if (pair? list) (cons (f (car list)) (map f (cdr list))) null))
      (define (filter keep list)
        (if (pair? list)
            (if (keep (car list)) (cons (car list) (filter keep (cdr list))) (filter keep (cdr list)))
            null))
      (define (flatten lists) (if (pair? lists) (append (car lists) (flatten (cdr lists))) null))
      (define (count list) (if (pair? list) (+ 1 (count (cdr list))) 0))
      (define (up from to) (if (< to from) null (cons from (up (+ from 1) to))))
      (define (safe row queens distance)
        (if (pair? queens)
            (if (= (car queens) row) null
                (if (= (car queens) (+ row distance)) null
                    (if (= (car queens) (- row distance)) null
                        (safe row (cdr queens) (+ distance 1)))))
            1))
      (define (place columns size)
        (if (= columns 0)
            (cons null null)
            (flatten
              (map (lambda (queens)
                     (map (lambda (row) (cons row queens))
                          (filter (lambda (row) (safe row queens 1)) (up 1 size))))
                   (place (- columns 1) size)))))
      (count (place 8 8))`,
  },

  /** Closures for the rest of an endless list: the sieve of Eratosthenes. */
  primes: {
    expected: '(541 523 521 509 503 499 491 487 479 467)',
    text: `
      (define (from n) (cons n (lambda () (from (+ n 1)))))
      (define (rest stream) ((cdr stream)))
      (define (sieve stream)
        (let ((prime (car stream)))
          (cons prime (lambda () (sieve (without prime (rest stream)))))))
      (define (without prime stream)
        (if (= (remainder (car stream) prime) 0)
            (without prime (rest stream))
            (cons (car stream) (lambda () (without prime (rest stream))))))
      (define (take stream n taken) (if (= n 0) taken (take (rest stream) (- n 1) (cons (car stream) taken))))
      (define (first n list) (if (= n 0) null (cons (car list) (first (- n 1) (cdr list)))))
      (first 10 (take (sieve (from 2)) 100 null))`,
  },

  /** Strings, and a list of pairs in which they are looked up: the most frequent words of a text that repeats itself. */
  words: {
    expected: '((three . 400) (one . 300) (two . 200) (four . 100))',
    text: `
      (define text '("one" "three" "two" "three" "one" "four" "three" "one" "two" "three"))
      (define (seen word table)
        (if (pair? table)
            (if (string=? word (car (car table))) (cdr (car table)) (seen word (cdr table)))
            0))
      (define (with word n table)
        (if (pair? table)
            (if (string=? word (car (car table)))
                (cons (cons word n) (cdr table))
                (cons (car table) (with word n (cdr table))))
            (cons (cons word n) null)))
      (define (copy word) (string-append (string-append word "") ""))
      (define (tally words table)
        (if (pair? words)
            (let ((word (copy (car words))))
              (tally (cdr words) (with word (+ 1 (seen word table)) table)))
            table))
      (define (repeat n table) (if (= n 0) table (repeat (- n 1) (tally text table))))
      (define (insert entry sorted)
        (if (pair? sorted)
            (if (< (cdr (car sorted)) (cdr entry)) (cons entry sorted) (cons (car sorted) (insert entry (cdr sorted))))
            (cons entry null)))
      (define (sort list sorted) (if (pair? list) (sort (cdr list) (insert (car list) sorted)) sorted))
      (sort (repeat 100 null) null)`,
  },
};
