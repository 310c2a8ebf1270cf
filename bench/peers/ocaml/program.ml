(* The peer program in OCaml: gcbench and binary-trees. What it is told and what it says is described in bench/peers/program.ts.

   OCaml 4 runs one thread at a time, so there is one mutator, the main thread. *)

external now_ns : unit -> (int[@untagged]) = "peer_now_ns_boxed" "peer_now_ns" [@@noalloc]
external name_thread : unit -> unit = "peer_name_thread" [@@noalloc]
external observe_collections : unit -> unit = "peer_observe_collections" [@@noalloc]
external pause_count : unit -> int = "peer_pause_count" [@@noalloc]
external pause_start : int -> int = "peer_pause_start" [@@noalloc]
external pause_length : int -> int = "peer_pause_length" [@@noalloc]
external cycle_count : unit -> int = "peer_cycle_count" [@@noalloc]
external cycle_time : int -> int = "peer_cycle_time" [@@noalloc]
external cycle_bytes : int -> int = "peer_cycle_bytes" [@@noalloc]

let parameters : (string, string) Hashtbl.t = Hashtbl.create 32

let parse_parameters () =
  Array.iteri
    (fun i word ->
      if i > 0 then
        match String.index_opt word '=' with
        | Some sign ->
            Hashtbl.replace parameters (String.sub word 0 sign) (String.sub word (sign + 1) (String.length word - sign - 1))
        | None -> failwith ("not a name=value: " ^ word))
    Sys.argv

let text name =
  match Hashtbl.find_opt parameters name with Some value -> value | None -> failwith ("parameter missing: " ^ name)

let parameter name = int_of_string (text name)

let bits32 = 0xffffffff

let mixed value =
  let value = value lxor (value lsr 16) in
  let value = value * 0x85ebca6b land bits32 in
  let value = value lxor (value lsr 13) in
  let value = value * 0xc2b2ae35 land bits32 in
  value lxor (value lsr 16)

let checks = ref 0
let mismatches = ref 0
let checksum = ref 0
let add value = checksum := mixed (!checksum lxor (value land bits32))

let check right =
  incr checks;
  if not right then incr mismatches

(* What the one mutator does, step by step. *)
type work = { build : unit -> unit; step : int -> unit; verify : unit -> unit; corrupt : unit -> unit }

(* Nodes of a full tree; a tree of depth 0 is one node. *)
let tree_size depth = (2 lsl depth) - 1

type run = { of_depth : int; top_down : bool; count : int }

let rec run_at runs at =
  match runs with
  | [] -> failwith "an empty schedule"
  | run :: rest -> if at < run.count then run else run_at rest (at - run.count)

let schedule_length runs = List.fold_left (fun sum run -> sum + run.count) 0 runs

let rec depths least most = if least > most then [] else least :: depths (least + 2) most

type plain = Leaf | Plain of { mutable left : plain; right : plain }

let rec plain_bottom_up depth =
  if depth = 0 then Plain { left = Leaf; right = Leaf }
  else
    let left = plain_bottom_up (depth - 1) in
    let right = plain_bottom_up (depth - 1) in
    Plain { left; right }

let rec count_plain = function
  | Leaf -> 0
  | Plain { left = Leaf; _ } -> 1
  | Plain { left; right } -> 1 + count_plain left + count_plain right

let rec spoil_plain = function
  | Plain ({ left = Plain { left = Leaf; _ }; _ } as node) -> node.left <- Leaf
  | Plain { left; _ } -> spoil_plain left
  | Leaf -> ()

let binary_trees () =
  let least = parameter "minDepth" and most = parameter "maxDepth" and check_every = parameter "checkEvery" in
  let runs = List.map (fun depth -> { of_depth = depth; top_down = false; count = 1 lsl (most - depth + least) }) (depths least most) in
  let length = schedule_length runs in
  let long_lived = ref Leaf in
  let check_tree tree depth =
    let found = count_plain tree in
    check (found = tree_size depth);
    add found
  in
  {
    build =
      (fun () ->
        check_tree (plain_bottom_up (most + 1)) (most + 1);
        long_lived := plain_bottom_up most);
    step =
      (fun index ->
        let { of_depth; _ } = run_at runs (index mod length) in
        check_tree (plain_bottom_up of_depth) of_depth;
        if index mod check_every = check_every - 1 then check_tree !long_lived most);
    verify =
      (fun () ->
        check_tree !long_lived most;
        add !checks);
    corrupt = (fun () -> spoil_plain !long_lived);
  }

type labelled = Nothing | Labelled of { mutable left : labelled; mutable right : labelled; tree : int; depth : int }

let rec labelled_bottom_up depth tree =
  if depth = 0 then Labelled { left = Nothing; right = Nothing; tree; depth }
  else
    let left = labelled_bottom_up (depth - 1) tree in
    let right = labelled_bottom_up (depth - 1) tree in
    Labelled { left; right; tree; depth }

let rec populate node depth tree =
  match node with
  | Labelled fields when depth > 0 ->
      fields.left <- Labelled { left = Nothing; right = Nothing; tree; depth = depth - 1 };
      populate fields.left (depth - 1) tree;
      fields.right <- Labelled { left = Nothing; right = Nothing; tree; depth = depth - 1 };
      populate fields.right (depth - 1) tree
  | _ -> ()

let labelled_top_down depth tree =
  let node = Labelled { left = Nothing; right = Nothing; tree; depth } in
  populate node depth tree;
  node

let rec count_labelled node depth tree =
  match node with
  | Nothing -> 0
  | Labelled fields ->
      if fields.tree <> tree || fields.depth <> depth then incr mismatches;
      if fields.left == Nothing then 1
      else 1 + count_labelled fields.left (depth - 1) tree + count_labelled fields.right (depth - 1) tree

let rec spoil_labelled = function
  | Labelled ({ left = Labelled { left = Nothing; _ }; _ } as fields) -> fields.left <- Nothing
  | Labelled { left; _ } -> spoil_labelled left
  | Nothing -> ()

let long_lived_tree = 0x7fffffff

let gcbench () =
  let stretch_depth = parameter "stretchDepth" and long_lived_depth = parameter "longLivedDepth" in
  let array_length = parameter "arrayLength" and check_every = parameter "checkEvery" in
  let runs =
    List.concat_map
      (fun depth ->
        let count = 2 * tree_size stretch_depth / tree_size depth in
        [ { of_depth = depth; top_down = true; count }; { of_depth = depth; top_down = false; count } ])
      (depths (parameter "minDepth") (parameter "maxDepth"))
  in
  let length = schedule_length runs in
  let long_lived = ref Nothing and elements = ref [||] in
  let check_tree tree depth number =
    let found = count_labelled tree depth number in
    checks := !checks + found;
    if found <> tree_size depth then incr mismatches;
    add found
  in
  let check_long_lived stride =
    check_tree !long_lived long_lived_depth long_lived_tree;
    let i = ref 0 in
    while !i < array_length do
      check (Float.equal !elements.(!i) (1.0 /. float_of_int (!i + 1)));
      i := !i + stride
    done
  in
  {
    build =
      (fun () ->
        check_tree (labelled_bottom_up stretch_depth 0) stretch_depth 0;
        long_lived := labelled_top_down long_lived_depth long_lived_tree;
        elements := Array.init array_length (fun i -> 1.0 /. float_of_int (i + 1)));
    step =
      (fun index ->
        let { of_depth = depth; top_down; _ } = run_at runs (index mod length) in
        check_tree (if top_down then labelled_top_down depth index else labelled_bottom_up depth index) depth index;
        if index mod check_every = check_every - 1 then check_long_lived ((array_length / 1000) + 1));
    verify =
      (fun () ->
        check_long_lived 1;
        add !checks);
    corrupt = (fun () -> spoil_labelled !long_lived);
  }

let say word =
  print_endline word;
  try ignore (read_line ()) with End_of_file -> ()

let () =
  parse_parameters ();
  name_thread ();
  observe_collections ();
  let work =
    match text "workload" with
    | "gcbench" -> gcbench ()
    | "binary-trees" -> binary_trees ()
    | name -> failwith ("unknown workload: " ^ name)
  in
  let warm_up = parameter "warmUp" and operations = parameter "operations" and corrupt_at = parameter "corruptAt" in
  work.build ();
  for i = 0 to warm_up - 1 do
    work.step i
  done;
  say "begin";
  let began_ns = now_ns () in
  for i = 0 to operations - 1 do
    work.step (warm_up + i);
    if i + 1 = corrupt_at then work.corrupt ()
  done;
  let wall_ns = now_ns () - began_ns in
  say "end";
  work.verify ();
  let pairs count first second = String.concat "," (List.init count (fun i -> Printf.sprintf "[%d,%d]" (first i) (second i))) in
  Printf.printf
    "{\"beganNs\":%d,\"wallNs\":%d,\"checks\":%d,\"mismatches\":%d,\"checksums\":[%d],\"liveBytes\":0,\"pauses\":[%s],\"live\":[%s],\"runtime\":\"OCaml %s\"}\n"
    began_ns wall_ns !checks !mismatches !checksum
    (pairs (pause_count ()) pause_start pause_length)
    (pairs (cycle_count ()) cycle_time cycle_bytes)
    Sys.ocaml_version
