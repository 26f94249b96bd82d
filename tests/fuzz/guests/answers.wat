;; A plugin of all three kinds. It asks for the bytes of the evidence `answer`, lays them down at 65536, and says that its answer
;; stands there: so whoever writes the evidence writes the memory that the host reads, pointers included.
(module
  (import "lockgate:host/snapshot@0.2.0-rc.2" "[method]evaluation.evidence-content"
    (func $evidence (param $evaluation i32) (param $name i32) (param $length i32) (param $offset i32) (param $most i32)
      (param $at i32)))
  (import "lockgate:host/snapshot@0.2.0-rc.2" "[resource-drop]evaluation" (func $give-back (param i32)))
  (memory (export "memory") 4)
  (global $heap (mut i32) (i32.const 131072))
  (data (i32.const 1024) "answers" "1.0.0" "a guest" "true" "answer")

  (func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32) (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (local.get $at))

  (func (export "lockgate:types/plugin@0.2.0-rc.2#describe") (result i32)
    (i32.store (i32.const 1100) (i32.const 1024)) (i32.store (i32.const 1104) (i32.const 7))
    (i32.store (i32.const 1108) (i32.const 1031)) (i32.store (i32.const 1112) (i32.const 5))
    (i32.store (i32.const 1124) (i32.const 1036)) (i32.store (i32.const 1128) (i32.const 7))
    (i32.store (i32.const 1148) (i32.const 1043)) (i32.store (i32.const 1152) (i32.const 4))
    (i32.const 1100))

  (func (export "lockgate:types/plugin@0.2.0-rc.2#configure") (param i32 i32 i32 i32) (result i32)
    (i32.const 1200))

  (func $answer (param $evaluation i32) (result i32)
    (call $evidence (local.get $evaluation) (i32.const 1047) (i32.const 6) (i32.const 0) (i32.const -1)
      (i32.const 2048))
    (call $give-back (local.get $evaluation))
    (if (i32.load8_u (i32.const 2048)) (then unreachable))
    (memory.copy (i32.const 65536) (i32.load (i32.const 2052)) (i32.load (i32.const 2056)))
    (i32.const 65536))

  (func (export "lockgate:approval/policy@0.2.0-rc.2#decide") (param $evaluation i32) (result i32)
    (call $answer (local.get $evaluation)))
  (func (export "lockgate:check/check@0.2.0-rc.2#run") (param $evaluation i32) (result i32)
    (call $answer (local.get $evaluation)))
  (func (export "lockgate:strategy/strategy@0.2.0-rc.2#plan") (param $evaluation i32) (result i32)
    (call $answer (local.get $evaluation)))
  (func (export "lockgate:strategy/strategy@0.2.0-rc.2#advance") (param $evaluation i32) (result i32)
    (call $answer (local.get $evaluation))))
