;;;; Compiles the program named first to the file named second. The exit code is not 0 when that fails.
(let ([files (command-line-arguments)])
  (parameterize ([optimize-level 2] [compile-file-message #f])
    (compile-program (car files) (cadr files))))
