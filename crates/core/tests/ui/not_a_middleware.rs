use hookstack_core::Stack;

struct Audit;

fn main() {
    Stack::builder().with(Audit).build();
}
