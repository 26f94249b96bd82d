//! What compiling one function will cost, judged by what was measured to drive the cost.
//!
//! The estimate is in units of about a microsecond on one core. It is right to a factor of two for functions that
//! compilers make, and of three for those that were made to be slow, in both directions.

use wasmparser::Operator;

/// The estimate for one function, while its operators pass by.
#[derive(Debug)]
pub(crate) struct CompileCost {
    locals: u64,
    /// Operators, those that become much code counted as many.
    operators: u64,
    /// The height of the operand stack, summed over all operators: how long values live.
    values: u64,
    /// Places where control parts.
    forks: u64,
    /// The depth of nesting, summed over them.
    nesting: u64,
    /// For each block that is open, how many branches lead to its label.
    labels: Vec<u64>,
    /// For each branch, how many led to the same label before it, summed.
    meetings: u64,
}

impl CompileCost {
    /// For a function with so many locals, its parameters among them.
    pub(crate) fn new(locals: u32) -> Self {
        Self { locals: u64::from(locals), operators: 0, values: 0, forks: 0, nesting: 0, labels: vec![0], meetings: 0 }
    }

    /// One more operator, with so many values on the stack after it.
    pub(crate) fn add(&mut self, operator: &Operator<'_>, values: u32) {
        self.operators += weight(operator);
        self.values += u64::from(values);
        match operator {
            Operator::Block { .. } => self.labels.push(0),
            Operator::Loop { .. } | Operator::If { .. } => {
                self.labels.push(0);
                self.fork();
            }
            Operator::Else => self.fork(),
            Operator::End => drop(self.labels.pop()),
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => self.branch(*relative_depth),
            Operator::BrTable { targets } => {
                targets.targets().flatten().chain([targets.default()]).for_each(|target| self.branch(target));
            }
            _ => {}
        }
    }

    fn fork(&mut self) {
        self.forks += 1;
        self.nesting += self.labels.len() as u64;
    }

    fn branch(&mut self, depth: u32) {
        self.fork();
        let label = self.labels.len().checked_sub(1 + depth as usize);
        if let Some(before) = label.and_then(|label| self.labels.get_mut(label)) {
            self.meetings += *before;
            *before += 1;
        }
    }

    /// The cost. Each summand but the first is one of the ways in which a function was seen to take long.
    pub(crate) fn cost(&self) -> u64 {
        200_u64
            .saturating_add(self.operators.saturating_mul(3))
            .saturating_add(self.operators.saturating_mul(self.operators) / 60_000)
            .saturating_add(self.forks.saturating_mul(20))
            .saturating_add(self.values / 20)
            .saturating_add(self.nesting / 8)
            .saturating_add(self.meetings / 10)
            .saturating_add(self.locals.saturating_mul(self.forks).saturating_mul(7) / 10)
    }
}

/// As how many operators one counts. Those that count as more call, loop or branch in machine code.
fn weight(operator: &Operator<'_>) -> u64 {
    match operator {
        Operator::MemoryGrow { .. }
        | Operator::MemoryFill { .. }
        | Operator::MemoryCopy { .. }
        | Operator::MemoryInit { .. }
        | Operator::TableGrow { .. }
        | Operator::TableFill { .. }
        | Operator::TableCopy { .. }
        | Operator::TableInit { .. }
        | Operator::TableGet { .. }
        | Operator::TableSet { .. }
        | Operator::ElemDrop { .. }
        | Operator::DataDrop { .. }
        | Operator::RefFunc { .. } => 20,
        Operator::I32TruncF32S
        | Operator::I32TruncF32U
        | Operator::I32TruncF64S
        | Operator::I32TruncF64U
        | Operator::I64TruncF32S
        | Operator::I64TruncF32U
        | Operator::I64TruncF64S
        | Operator::I64TruncF64U
        | Operator::F32ConvertI64U
        | Operator::F64ConvertI64U => 10,
        Operator::Call { .. }
        | Operator::CallIndirect { .. }
        | Operator::ReturnCall { .. }
        | Operator::ReturnCallIndirect { .. } => 5,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(locals: u32, operators: &[Operator<'_>], times: usize) -> u64 {
        let mut estimate = CompileCost::new(locals);
        for operator in std::iter::repeat_n(operators, times).flatten() {
            estimate.add(operator, 0);
        }
        estimate.cost()
    }

    #[test]
    fn an_operator_costs_a_few_units_and_a_function_two_hundred() {
        assert_eq!(estimate(0, &[Operator::Nop], 10), 200 + 10 * 3);
    }

    #[test]
    fn branches_to_one_place_cost_the_square_of_their_number() {
        // 10,000 branches, one level deep, meet 0 + 1 + ... + 9,999 others, a tenth of a unit each.
        let branches = estimate(0, &[Operator::BrIf { relative_depth: 0 }], 10_000);
        assert_eq!(branches, 200 + 30_000 + 10_000 * 10_000 / 60_000 + 200_000 + 10_000 / 8 + 49_995_000 / 10);
    }

    #[test]
    fn locals_cost_as_often_as_control_parts() {
        let with = |locals| estimate(locals, &[Operator::Else], 1000);
        assert_eq!(with(1000) - with(0), 1000 * 1000 * 7 / 10);
    }

    #[test]
    fn a_branch_that_leads_nowhere_is_left_to_the_validator() {
        assert_eq!(estimate(0, &[Operator::BrIf { relative_depth: u32::MAX }], 1), 200 + 3 + 20);
    }
}
